import { has, t } from "../lib/i18n";
import type { Problem } from "./types";

/** Codes of pkg/errno that the client acts on. */
export const codes = { unauthenticated: 10003, notFound: 10005, userNotFound: 10201, videoNotFound: 10301, searchUnavailable: 10801 } as const;

/** ApiError is a request that was answered with an error, or with none at all (status 0). */
export class ApiError extends Error {
  /** code is one of pkg/errno; 0 when the answer had none. */
  constructor(
    readonly status: number,
    readonly code: number,
    readonly detail = "",
    readonly requestId = "",
  ) {
    super(`${status} ${code} ${detail}`);
  }
  /** isOffline: no answer came. */
  get isOffline(): boolean {
    return this.status === 0;
  }
  /** isMissing: what was asked for does not exist. */
  get isMissing(): boolean {
    return this.status === 404;
  }
}

/** LoginCancelled is the end of an action for which the viewer did not want to log in; nobody needs to be told. */
export class LoginCancelled extends Error {}

/** problemError is the error of an answer, given its body; the body need not be a problem: a proxy may have made it. */
export function problemError(status: number, body: unknown): ApiError {
  const problem = (typeof body === "object" && body !== null ? body : {}) as Partial<Problem>;
  return new ApiError(status, problem.code ?? 0, problem.detail ?? "", problem.request_id ?? "");
}

/** errorText says in the viewer's language what went wrong. */
export function errorText(error: unknown): string {
  if (!(error instanceof ApiError)) return t("error.unknown");
  if (error.isOffline) return t("error.network");
  const key = `error.${error.code}`;
  if (has(key)) return t(key);
  switch (error.status) {
    case 404:
      return t("error.10005");
    case 413:
      return t("error.10303");
    case 429:
      return t("error.10007");
    case 502:
    case 503:
    case 504:
      return t("error.10008");
  }
  return t("error.unknown");
}
