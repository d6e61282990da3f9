import { compose, type Layer, type Service } from './service.ts';

/** One place in a stack. */
export interface StackEntry<Context> {
  /** What it is called, and what others are placed by. */
  readonly role: string;
  /** What it does and why it stands where it stands: what `describe()` says. */
  readonly why: string;
  /** Makes the layer for one service; undefined where the service's options switch it off. */
  readonly make: (context: Context) => Layer | undefined;
}

/** What users put into a stack: a layer of their own, named by its function name where no role is given. */
export type StackAddition<Context> =
  Layer | (Partial<StackEntry<Context>> & { readonly role: string; readonly layer: Layer });

/** The order of layers as data, outermost first (after Finagle's `Stack`): roles can be inserted, replaced and removed. */
export class Stack<Context> {
  _entries: readonly StackEntry<Context>[];
  /** @internal */ _changed: () => void = () => {};

  constructor(entries: readonly StackEntry<Context>[]) {
    this._entries = entries;
  }

  /** Puts `addition` outside of `role`. */
  insertBefore(role: string, addition: StackAddition<Context>): this {
    return this.#splice(role, 0, 0, addition);
  }

  /** Puts `addition` inside of `role`. */
  insertAfter(role: string, addition: StackAddition<Context>): this {
    return this.#splice(role, 1, 0, addition);
  }

  /** Puts `addition` in the place of `role`. */
  replace(role: string, addition: StackAddition<Context>): this {
    return this.#splice(role, 0, 1, addition);
  }

  /** Takes `role` out. */
  remove(role: string): this {
    return this.#splice(role, 0, 1);
  }

  /** The roles with what each does, outermost first. */
  describe(): { role: string; why: string }[] {
    return this._entries.map(({ role, why }) => ({ role, why }));
  }

  /** The service that all layers together make of `service`, for one context. */
  build(context: Context, service: Service): Service {
    const layers = this._entries.map((entry) => entry.make(context)).filter((layer) => layer !== undefined);
    return compose(layers, service);
  }

  #splice(role: string, offset: number, deleted: number, addition?: StackAddition<Context>): this {
    const index = this._entries.findIndex((entry) => entry.role === role);
    if (index < 0) {
      const roles = this._entries.map((entry) => entry.role).join(', ');
      throw new RangeError(`The stack has no role ${JSON.stringify(role)}; it has ${roles}`);
    }
    this._entries = this._entries.toSpliced(
      index + offset,
      deleted,
      ...(addition === undefined ? [] : [entryOf(addition)]),
    );
    this._changed();
    return this;
  }
}

function entryOf<Context>(addition: StackAddition<Context>): StackEntry<Context> {
  if (typeof addition === 'function') {
    const role = addition.name === '' ? 'custom' : addition.name;
    return { role, why: 'added by the application', make: () => addition };
  }
  return { role: addition.role, why: addition.why ?? 'added by the application', make: () => addition.layer };
}
