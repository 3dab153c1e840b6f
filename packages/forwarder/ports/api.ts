/** A request to the API server. */
export interface ApiRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** With its query. */
  readonly path: string;
  readonly body?: unknown;
  readonly contentType?: "application/json" | "application/json-patch+json" | "application/merge-patch+json";
}

/** What the API server answered; a refusal is an answer too. */
export interface ApiAnswer {
  readonly status: number;
  readonly body: unknown;
  /** How long the server asks to wait before the next try, in seconds; only with refusals. */
  readonly retryAfterSeconds?: number;
}

/** How a watch ended. */
export interface WatchEnding {
  /** The HTTP status, when the watch was refused. */
  readonly status?: number;
  /** How long the server asks to wait before the next try, in seconds. */
  readonly retryAfterSeconds?: number;
  /** What was wrong, in words, when the stream told something that cannot be understood. */
  readonly garbled?: string;
}

/** What a watch tells. After `ended` nothing follows. */
export interface WatchListener {
  event(type: string, object: unknown): void;
  /** The stream is over. Nothing is known of its end when it broke or the server closed it. */
  ended(ending: WatchEnding): void;
}

/** The API server as the forwarder uses it. */
export interface KubernetesApi {
  /** Rejects only when there was no answer. */
  request(request: ApiRequest): Promise<ApiAnswer>;
  /** Opens a watch; the returned function closes it, after which the listener hears nothing. */
  watch(path: string, listener: WatchListener): () => void;
}

/** Whether an answer is a success. */
export const isSuccess = (answer: ApiAnswer): boolean => answer.status >= 200 && answer.status < 300;

/** Whether it makes sense to send the same request again. */
export const isPassing = (answer: ApiAnswer): boolean => answer.status === 429 || answer.status >= 500;

/** The text of a `Status` that refuses a request. */
export const refusalOf = (answer: ApiAnswer): string => {
  const message = (answer.body as { message?: unknown } | null | undefined)?.message;
  return typeof message === "string" && message !== "" ? message : `HTTP status ${answer.status}`;
};

/**
 * Whether an answer refuses the value of a field, such as `metadata.uid`.
 *
 * @see https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/
 */
export const refusesField = ({ status, body }: ApiAnswer, field: string): boolean => {
  const causes = (body as { details?: { causes?: unknown } } | null | undefined)?.details?.causes;
  return status === 422 && Array.isArray(causes) && causes.some((cause) => cause?.field === field);
};

/** A path with its query, values encoded. */
export const withQuery = (path: string, query: Readonly<Record<string, string | number | undefined>>): string => {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, String(value));
  return parameters.size === 0 ? path : `${path}?${parameters}`;
};
