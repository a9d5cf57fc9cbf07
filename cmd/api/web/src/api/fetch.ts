import { connection } from "../lib/connection";
import { codes } from "./error";

/** Login is how a request that was refused for want of a session gets one; it resolves to false when the viewer does not want to. */
export type AskLogin = (reason: "expired") => Promise<boolean>;

let askLogin: AskLogin = () => Promise.resolve(false);

/** onLoginNeeded sets what asks for a login. */
export const onLoginNeeded = (ask: AskLogin): void => {
  askLogin = ask;
};

/** askToLogin asks for a login after a request that was not made with send. */
export const askToLogin = (): Promise<boolean> => askLogin("expired");

/** Requests with this header that are refused with 401 do not ask for a login: those that nobody waits for. It is not sent. */
export const quietHeader = "x-quiet";

// How long to wait before the second, third and fourth try, in milliseconds: long enough for a server that restarts.
const waits = [300, 1000, 2500];

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * send is fetch for the API. A request that may be repeated is, while the server cannot be reached or restarts; one that meets an
 * expired session asks to log in and then goes on.
 */
export async function send(request: Request): Promise<Response> {
  const quiet = request.headers.has(quietHeader);
  request.headers.delete(quietHeader);
  let response = await attempt(request);
  // A missing session has the same status as wrong credentials.
  if (response.status !== 401 || quiet || !(await isProblem(response, codes.unauthenticated))) return response;
  if (request.method === "GET") {
    // The answer has taken the cookie away: what everybody may read is there now.
    response = await attempt(request);
    if (response.status !== 401) return response;
  }
  return (await askLogin("expired")) ? attempt(request) : response;
}

async function attempt(request: Request): Promise<Response> {
  const repeatable = request.method !== "POST" && request.method !== "PATCH";
  for (let tried = 0; ; tried++) {
    const wait = repeatable ? waits[tried] : undefined;
    try {
      const response = await fetch(request.clone());
      connection.set("online");
      if (wait === undefined || ![502, 503, 504].includes(response.status)) return response;
      // A search without an index is not there again in a moment.
      if (await isProblem(response, codes.searchUnavailable)) return response;
    } catch (error) {
      if (request.signal.aborted) throw error;
      if (wait === undefined) {
        connection.set("offline");
        throw error;
      }
    }
    await sleep(wait);
    if (request.signal.aborted) throw request.signal.reason;
  }
}

// isProblem tells whether an answer is the problem with that code.
async function isProblem(response: Response, code: number): Promise<boolean> {
  try {
    const problem = (await response.clone().json()) as { code?: number };
    return problem.code === code;
  } catch {
    return false;
  }
}
