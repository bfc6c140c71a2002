// Sends a file straight to storage by a signed link, large ones in parts that can be resumed.
import { api, ApiError } from "../api";
import { MEDIA_TYPES, SUBTITLE_TYPES } from "./upload-types";

export interface Stored {
  /** The gs:// address that a job names. */
  url: string;
  /** A link to the bytes, for an hour. */
  downloadUrl: string;
  name: string;
  type: string;
  size: number;
  metadata: { duration_seconds?: number };
}

export interface Sending {
  /** Instead of the session, a visitor's key. */
  key?: string | undefined;
  /** What the file field takes; by default all. */
  accept?: string | undefined;
  /** Aborting keeps what has arrived of a large file: sending the same file again goes on there. */
  signal: AbortSignal;
  /** From 0 to 1. */
  onProgress(fraction: number): void;
}

const TYPES: Record<string, string> = { ...MEDIA_TYPES, ...SUBTITLE_TYPES };
const dotted = (types: Record<string, string>) =>
  Object.keys(types)
    .map((each) => `.${each}`)
    .join(",");

/** For `accept` of file inputs. */
export const MEDIA = dotted(MEDIA_TYPES);
export const SUBTITLE_FILES = dotted(SUBTITLE_TYPES);

/** Storage takes parts of exactly this size. */
const PART = 6 * 1024 * 1024;

/** How long a link that was asked for is used again to resume; Storage's lives two hours. */
const RESUMABLE_MS = 110 * 60_000;

interface Link {
  uploadUrl: string;
  filename: string;
}

export function extension(name: string): string {
  return /\.([A-Za-z0-9]+)$/.exec(name)?.[1]?.toLowerCase() ?? "";
}

/** The type that the service knows the file by. Throws ApiError for one that it does not take. */
export function typeOf(file: File, accept = `${MEDIA},${SUBTITLE_FILES}`): string {
  const accepted = accept.split(",").map((each) => each.slice(1));
  const known = TYPES[extension(file.name)];
  if (known && accepted.includes(extension(file.name))) return known;
  // A name without an extension: what the browser knows of it.
  const own = accepted.map((each) => TYPES[each]).find((type) => type === file.type);
  if (own && !known) return own;
  throw new ApiError(
    `${file.name} can't be uploaded here. Choose a file of one of these types: ${accepted.join(", ")}.`,
    400,
    {},
  );
}

/** Uploads and confirms. Throws ApiError, or the signal's reason when aborted. */
export async function uploadFile(file: File, sending: Sending): Promise<Stored> {
  const { key, signal } = sending;
  const type = typeOf(file, sending.accept);
  if (!file.size) throw new ApiError(`${file.name} is empty. Choose another file.`, 400, {});
  const ask = <Answer>(path: string, body: unknown) =>
    api<{ result: Answer }>(path, { body, signal, ...(key ? { key } : {}) }).then(
      (answer) => answer.result,
    );
  const presign = () =>
    ask<Link>("/v1/upload/presigned-url", {
      filename: file.name,
      contentType: type,
      fileSize: file.size,
    });
  const filename =
    file.size <= PART
      ? await whole(file, type, await presign(), sending)
      : await inParts(file, type, presign, sending);
  const stored = await ask<{ fileUrl: string; downloadUrl: string; metadata: Stored["metadata"] }>(
    "/v1/upload/confirm",
    { filename, fileSize: file.size },
  );
  return {
    url: stored.fileUrl,
    downloadUrl: stored.downloadUrl,
    name: file.name,
    type,
    size: file.size,
    metadata: stored.metadata,
  };
}

const CUT = "The connection was cut. What has arrived is kept: go on when you are online.";

/** In one request; XMLHttpRequest, since fetch tells nothing of what was sent. */
function whole(file: File, type: string, link: Link, sending: Sending): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PUT", link.uploadUrl);
    request.setRequestHeader("Content-Type", type);
    request.upload.onprogress = (event) => sending.onProgress(event.loaded / file.size);
    request.onload = () =>
      request.status < 300 ? resolve(link.filename) : reject(refused(request.status));
    request.onerror = () => reject(new ApiError("The connection was cut. Try again.", 0, {}));
    request.onabort = () => reject(sending.signal.reason);
    sending.signal.addEventListener("abort", () => request.abort(), { once: true });
    if (sending.signal.aborted) return reject(sending.signal.reason);
    request.send(file);
  });
}

function refused(status: number): ApiError {
  return new ApiError(
    status === 413
      ? "Storage takes no file of this size. Choose a smaller one."
      : "Storage did not take the file. Try again in a moment.",
    status,
    {},
  );
}

/** In parts, by the tus protocol. The same file goes on where it stopped, after a reload too. */
async function inParts(
  file: File,
  type: string,
  presign: () => Promise<Link>,
  { signal, onProgress }: Sending,
): Promise<string> {
  const { Upload } = await import("tus-js-client");
  const kept = `upload:${file.name}:${file.size}:${file.lastModified}`;
  const before = begun(kept);
  const link = before?.link ?? (await presign());
  const target = new URL(link.uploadUrl);
  const [, bucketName = "", objectName = ""] =
    /\/object\/upload\/sign\/([^/]+)\/(.+)$/.exec(decodeURIComponent(target.pathname)) ?? [];
  const at = before?.at ?? Date.now();
  return new Promise((resolve, reject) => {
    const upload = new Upload(file, {
      endpoint: new URL("/storage/v1/upload/resumable/sign", target.origin).href,
      uploadUrl: before?.url ?? null,
      headers: { "x-signature": target.searchParams.get("token") ?? "" },
      metadata: { bucketName, objectName, contentType: type },
      chunkSize: PART,
      retryDelays: [500, 2000, 5000, 10_000],
      uploadDataDuringCreation: true,
      // Kept here, for this tab alone and no longer than the link lives.
      storeFingerprintForResuming: false,
      onUploadUrlAvailable: () =>
        sessionStorage.setItem(kept, JSON.stringify({ at, link, url: upload.url })),
      onProgress: (sent, all) => onProgress(sent / all),
      onSuccess: () => {
        sessionStorage.removeItem(kept);
        resolve(link.filename);
      },
      onError: (error) => {
        const status =
          "originalResponse" in error ? (error.originalResponse?.getStatus() ?? 0) : 0;
        if (status) sessionStorage.removeItem(kept);
        reject(status ? refused(status) : new ApiError(CUT, 0, {}));
      },
    });
    signal.addEventListener(
      "abort",
      () => void upload.abort().finally(() => reject(signal.reason)),
      { once: true },
    );
    if (signal.aborted) return reject(signal.reason);
    upload.start();
  });
}

function begun(kept: string): { at: number; link: Link; url: string } | undefined {
  const found = sessionStorage.getItem(kept);
  if (!found) return undefined;
  const before = JSON.parse(found);
  return Date.now() - before.at < RESUMABLE_MS ? before : undefined;
}
