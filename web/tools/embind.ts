// SPDX-License-Identifier: Apache-2.0

interface WireType {
  toWireType(destructors: unknown[] | null, value: unknown): unknown;
  fromWireType(value: unknown): unknown;
}
type Call = (...values: unknown[]) => unknown;

/**
 * Stands where Emscripten's embind calls `Function(names..., body)` for the caller of a WebAssembly function, and does without evaluating
 * text what that body does: convert the arguments, call, let go of what was converted, convert the result. The names say which values come:
 * throwBindingError, invoker, fn, runDestructors, retType, classParam, argType0 ..., arg0Wired_dtor ...
 */
export function invokerWithoutEval(...parts: string[]): Call {
  const [names, body] = [parts.slice(0, -1), parts.at(-1) ?? ""];
  const at = (name: string): number => {
    const index = names.indexOf(name);
    if (index < 0) throw new Error(`embind's ${name} is missing; this version of it is not known`);
    return index;
  };
  if (body.includes("thisWired")) throw new Error("embind's methods of classes are not known here");
  const count = names.filter((name) => /^argType\d+$/.test(name)).length;
  const collects = body.includes("var destructors = []");
  const returns = body.includes("return ret");
  const [fail, invoker, fn, run, result] = [at("throwBindingError"), at("invoker"), at("fn"), at("runDestructors"), at("retType")];

  return (...values) => {
    const types = Array.from({ length: count }, (_, i) => values[at(`argType${i}`)] as WireType);
    const frees = types.map((_, i) => values[names.indexOf(`arg${i}Wired_dtor`)] as Call | undefined);
    return (...given: unknown[]) => {
      if (given.length !== count) (values[fail] as Call)(`called with ${given.length} arguments, expected ${count}`);
      const destructors: unknown[] | null = collects ? [] : null;
      const wired = types.map((type, i) => type.toWireType(destructors, given[i]));
      const answer = (values[invoker] as Call)(values[fn], ...wired);
      if (collects) (values[run] as Call)(destructors);
      else wired.forEach((value, i) => frees[i]?.(value));
      return returns ? (values[result] as WireType).fromWireType(answer) : undefined;
    };
  };
}
