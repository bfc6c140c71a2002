// Calls of the API on behalf of the signed-in user. An error is the service's own sentence.

export class ApiError extends Error {
  constructor(
    message: string,
    readonly status: number,
    readonly body: Record<string, unknown>,
  ) {
    super(message);
  }
}

export interface Call {
  method?: string;
  body?: unknown;
  /** Instead of the session's token, such as a visitor's key. */
  key?: string;
  /** Without any credential. */
  anonymous?: boolean;
  signal?: AbortSignal;
}

export async function api<Answer>(path: string, call: Call = {}): Promise<Answer> {
  const bearer = call.anonymous ? undefined : (call.key ?? (await signedIn()));
  const headers: Record<string, string> = {};
  if (bearer) headers.Authorization = `Bearer ${bearer}`;
  if (call.body !== undefined) headers["Content-Type"] = "application/json";
  let answer: Response;
  try {
    answer = await fetch(path, {
      method: call.method ?? (call.body === undefined ? "GET" : "POST"),
      headers,
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
      ...(call.signal ? { signal: call.signal } : {}),
    });
  } catch (error) {
    if (call.signal?.aborted) throw error;
    throw new ApiError("The service can't be reached. Is this device online?", 0, {});
  }
  const body = answer.headers.get("content-type")?.includes("json") ? await answer.json() : {};
  if (answer.ok) return body as Answer;
  const sentence = [body.error, typeof body.details === "string" ? body.details : ""];
  throw new ApiError(
    answer.status === 401 && !call.key ? "Your session has expired. Sign in again." : sentence.filter(Boolean).join(" "),
    answer.status,
    body,
  );
}

/** The session's token. The login is loaded when it is needed: visitors with a key don't. */
async function signedIn(): Promise<string | undefined> {
  const { session } = await import("./session");
  return (await session())?.access_token;
}
