// SPDX-License-Identifier: Apache-2.0
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { invokerWithoutEval } from "./embind";
import { numcodecsWithoutEval } from "./numcodecs";

const names = ["throwBindingError", "invoker", "fn", "runDestructors", "retType", "classParam"];
const twice = { toWireType: (_: unknown, value: unknown) => (value as number) * 2, fromWireType: (value: unknown) => `<${String(value)}>` };
const fail = (message: unknown) => {
  throw new Error(String(message));
};
const add = (fn: unknown, ...values: unknown[]) => `${String(fn)}:${values.join("+")}`;

test("invokerWithoutEval_WhenCalled_ConvertsArgumentsAndResult", () => {
  const make = invokerWithoutEval(...names, "argType0", "argType1", "return ret;");
  const call = make(fail, add, "f", null, twice, null, twice, twice) as (...values: number[]) => string;
  expect(call(1, 2)).toBe("<f:2+4>");
  expect(() => call(1)).toThrow("called with 1 arguments, expected 2");
});

test("invokerWithoutEval_WhenAnArgumentHasADestructor_FreesItsConvertedValue", () => {
  const freed: unknown[] = [];
  const make = invokerWithoutEval(...names, "argType0", "argType1", "arg1Wired_dtor", "no result");
  const call = make(fail, add, "f", null, twice, null, twice, twice, (value: unknown) => freed.push(value)) as (...values: number[]) => unknown;
  expect(call(1, 2)).toBeUndefined();
  expect(freed).toEqual([4]);
});

test("invokerWithoutEval_WhenDestructorsAreCollected_RunsThem", () => {
  const ran: unknown[] = [];
  const collecting = { ...twice, toWireType: (list: unknown, value: unknown) => (list as unknown[]).push(value) };
  const make = invokerWithoutEval(...names, "argType0", "var destructors = []; return ret;");
  const call = make(fail, add, "f", (list: unknown) => ran.push(list), twice, null, collecting) as (...values: number[]) => unknown;
  call(7);
  expect(ran).toEqual([[7]]);
});

test("numcodecsWithoutEval_WhenItSeesADecoder_LeavesNoFunctionFromText", async () => {
  const dist = dirname(fileURLToPath(import.meta.resolve("numcodecs/blosc")));
  for (const name of ["blosc.js", "zstd.js", "lz4.js"]) {
    const id = join(dist, name);
    const { code } = numcodecsWithoutEval().transform.handler(await readFile(id, "utf8"), id);
    expect(code).not.toMatch(/\bnew Function\b|= Function\b|\beval\(/);
  }
});
