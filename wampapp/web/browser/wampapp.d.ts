/** A WAMP client for web pages, which comes back by itself. */

/** What is sent along: positional values, and at the end, perhaps, an object with named ones. */
export type Payload = unknown[];

/** A result with several values, or with named ones; any other result is its value itself. */
export interface Values {
  args: unknown[];
  kwargs: Record<string, unknown>;
}

/** What is called with an event: its values, then the named ones, then EVENT's details, with its `publication`. */
export type EventHandler = (...values: any[]) => unknown;

/** What the last argument of a procedure's function holds. */
export interface Invocation {
  /** Aborted when nobody waits for the result any more. */
  signal: AbortSignal;
  /** Sends a progressive result, if the caller takes them. */
  progress(value: unknown): void;
  /** More details of INVOCATION, such as `caller_authid`. */
  [detail: string]: unknown;
}

/** What answers calls: it gets the values, then the named ones, then an `Invocation`. */
export type ProcedureHandler = (...values: any[]) => unknown;

/** Takes a subscription or a registration back. */
export type Withdraw = () => Promise<void>;

/** The promise of a result. */
export interface Answer<T> extends Promise<T> {
  /** Cancels the call; the promise is then rejected. */
  cancel(): void;
}

/** The progressive results of a call, as they come; `break` cancels it. */
export interface Results<T> extends AsyncGenerator<T, void, void> {
  /** Cancels the call, also while a result is awaited; the loop then ends with an error. */
  cancel(): void;
}

export interface ConnectOptions {
  /** The realm; `realm1` by default. */
  realm?: string;
  /** Who joins, if that is to be proven by a ticket. */
  authid?: string;
  /** The ticket, or a function that fetches a new one for each session. */
  ticket?: string | (() => string | Promise<string>);
  /** The methods to offer; by default `ticket` with a ticket, else `anonymous`. */
  authmethods?: string[];
  /** The seconds that calls wait for a session that is away; 30 by default. */
  timeout?: number;
}

/** An error that a call was answered with, or that kept it from being answered. */
export class WampError extends Error {
  constructor(uri: string, args?: unknown[], kwargs?: Record<string, unknown>);
  /** The error's URI, such as `com.shop.error.sold_out`. */
  readonly uri: string;
  readonly args: unknown[];
  readonly kwargs: Record<string, unknown>;
}

/** Events: `join` and `leave` of each session; `refused`, and `error` for a registration lost. */
export class Client extends EventTarget {
  constructor(url?: string | URL, options?: ConnectOptions);
  readonly url: string;
  /** The session's id; null while there is none. */
  readonly session: number | null;
  /** Calls a procedure. */
  call<T = any>(uri: string, ...payload: Payload): Answer<T>;
  /** Calls a procedure and iterates over its progressive results. */
  stream<T = any>(uri: string, ...payload: Payload): Results<T>;
  /** Publishes an event; done when the router has it. */
  publish(uri: string, ...payload: Payload): Promise<void>;
  /** Subscribes to a topic, in later sessions too. */
  subscribe(
    uri: string,
    handler: EventHandler,
    options?: { match?: "exact" | "prefix" | "wildcard"; get_retained?: boolean },
  ): Promise<Withdraw>;
  /** Registers a procedure, in later sessions too. */
  register(
    uri: string,
    handler: ProcedureHandler,
    options?: { match?: "exact" | "prefix" | "wildcard"; invoke?: string },
  ): Promise<Withdraw>;
  /** Leaves for good. */
  close(): void;
}

/**
 * Connects to a router.
 *
 * @param url the router; by default `ws` next to the folder that this module came from, which is
 *   the router of the page's own app. `http` stands for `ws`.
 */
export function connect(url?: string | URL, options?: ConnectOptions): Client;
