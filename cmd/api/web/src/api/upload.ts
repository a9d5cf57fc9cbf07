import { ApiError, LoginCancelled, codes, problemError } from "./error";
import { askToLogin } from "./fetch";
import type { Upload } from "./types";

/** Sending is an upload under way. */
export interface Sending {
  /** done rejects with ApiError, with LoginCancelled, or with UploadCancelled. */
  done: Promise<Upload>;
  cancel: () => void;
}

/** UploadCancelled is the end of an upload that its owner stopped. */
export class UploadCancelled extends Error {}

/** sendVideo publishes a file. fetch tells nothing about the progress of what is sent; XMLHttpRequest does. */
export function sendVideo(file: File, title: string, onProgress: (sentBytes: number, allBytes: number) => void): Sending {
  let request: XMLHttpRequest;
  let isCancelled = false;
  const attempt = () =>
    new Promise<Upload>((resolve, reject) => {
      request = new XMLHttpRequest();
      request.open("POST", "/api/v1/videos");
      request.responseType = "json";
      request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded, event.total);
      request.onload = () => {
        if (request.status === 201) resolve(request.response as Upload);
        else reject(problemError(request.status, request.response));
      };
      request.onerror = () => reject(new ApiError(0, 0));
      request.onabort = () => reject(new UploadCancelled());
      const form = new FormData();
      form.append("title", title); // before the file: the server checks it first
      form.append("data", file, file.name);
      request.send(form);
    });
  const start = async () => {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401 || error.code !== codes.unauthenticated) throw error;
      if (!(await askToLogin())) throw new LoginCancelled();
      if (isCancelled) throw new UploadCancelled();
      return attempt();
    }
  };
  return {
    done: start(),
    cancel: () => {
      isCancelled = true;
      request.abort();
    },
  };
}
