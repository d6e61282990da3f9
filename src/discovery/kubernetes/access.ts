import type { ControlPlaneTls } from '../../transport/control-plane.ts';

/** How the API server is reached, as it stands now. */
export interface Access {
  /** `https://host:port`, and a path where the API is beneath one. */
  readonly server: string;
  readonly token: string | undefined;
  /** Headers beside the token's. */
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: ControlPlaneTls;
  /** The namespace of targets that name none. */
  readonly namespace: string;
}

/** Where access comes from. It is asked before every request, for tokens and authorities are replaced while they are used. */
export interface AccessSource {
  /** Whom it asks, for messages. */
  readonly name: string;
  /** @throws Fault that says which file or setting is missing. */
  read(): Promise<Access>;
  /** The token was refused: what is remembered of it is worth nothing. */
  refused(): void;
}
