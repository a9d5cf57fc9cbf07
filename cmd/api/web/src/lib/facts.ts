// What the server says in the head of the page about itself.
const fact = (name: string): string => document.querySelector<HTMLMetaElement>(`meta[name="${name}"]`)?.content ?? "";

/** maxUploadBytes and maxUploadMs bound a video that is uploaded; Infinity when the server does not say. */
export const maxUploadBytes = Number(fact("max-upload-bytes")) || Infinity;
export const maxUploadMs = Number(fact("max-upload-ms")) || Infinity;

/** version is that of the server's program. */
export const version = fact("version");
