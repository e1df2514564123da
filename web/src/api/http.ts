// One request to the service: JSON there and back, and its error object as an exception.

/** The service answered, and said no. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly code: string | null,
    readonly param: string | null,
    /** After how many seconds to try again, where the service says so. */
    readonly wait: number | null = null,
  ) {
    super(message);
  }
}

/** No answer came: the service is not running, or the network is down. */
export class Unreachable extends Error {}

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** Told to the window when the service knows us no more: the session ended, or was ended elsewhere. */
export const SIGNED_OUT = "signed-out";

/** The raw response, if it is a good one. Raises ApiError or Unreachable; an abort stays an AbortError. */
export async function send(
  method: Method,
  path: string,
  body?: unknown,
  more: { headers?: Record<string, string>; signal?: AbortSignal | undefined; keepalive?: boolean } = {},
): Promise<Response> {
  const init: RequestInit = { method, headers: { ...more.headers }, credentials: "same-origin" };
  if (body !== undefined) {
    init.headers = { "Content-Type": "application/json", ...more.headers };
    init.body = JSON.stringify(body);
  }
  if (more.signal) init.signal = more.signal;
  if (more.keepalive) init.keepalive = true;
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Unreachable();
  }
  if (response.ok) return response;
  if (response.status === 401 && path !== "/api/session") dispatchEvent(new Event(SIGNED_OUT));
  const told = await response.json().catch(() => null);
  const error = told?.error ?? {};
  const message = typeof error.message === "string" ? error.message : `${response.status} ${response.statusText}`;
  const wait = Number(response.headers.get("Retry-After")) || null;
  throw new ApiError(response.status, message, error.code ?? null, error.param ?? null, wait);
}

export async function request<T>(method: Method, path: string, body?: unknown): Promise<T> {
  const response = await send(method, path, body);
  const text = await response.text();
  return (text ? JSON.parse(text) : undefined) as T;
}

export const get = <T>(path: string) => request<T>("GET", path);
export const post = <T>(path: string, body: unknown = {}) => request<T>("POST", path, body);
export const put = <T>(path: string, body: unknown) => request<T>("PUT", path, body);
export const patch = <T>(path: string, body: unknown) => request<T>("PATCH", path, body);
export const remove = (path: string, body?: unknown) => request<unknown>("DELETE", path, body);

/** A part of a path that came from elsewhere. */
export const part = encodeURIComponent;

export type List<T> = { items: T[]; next: string | null };
