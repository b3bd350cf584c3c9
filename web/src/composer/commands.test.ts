import { describe, expect, test } from "vitest";
import de from "./de.json";
import en from "./en.json";
import { commands, parse, splitPerson } from "./commands.ts";

describe("commands", () => {
  test("are read with what follows them", () => {
    expect(parse("/me waves")).toMatchObject({ kind: "command", command: { name: "me" }, rest: "waves" });
    expect(parse("/Topic  New\nplan ")).toMatchObject({ kind: "command", command: { name: "topic" }, rest: "New\nplan" });
    expect(parse("/leave")).toMatchObject({ kind: "command", command: { name: "leave" }, rest: "" });
    expect(parse("/shrug")).toMatchObject({ kind: "command", command: { name: "shrug" } });
  });

  test("that lack what they need, or do not exist, are not sent as text", () => {
    expect(parse("/invite")).toMatchObject({ kind: "incomplete", command: { name: "invite" } });
    expect(parse("/frobnicate now")).toEqual({ kind: "unknown", name: "frobnicate" });
  });

  test("are told from text", () => {
    expect(parse("//me")).toEqual({ kind: "text", text: "/me" });
    expect(parse("/etc/passwd")).toEqual({ kind: "text", text: "/etc/passwd" });
    expect(parse("and/or")).toEqual({ kind: "text", text: "and/or" });
    expect(parse("/")).toEqual({ kind: "text", text: "/" });
  });

  test("take a person by id or by a chosen name, and a reason", () => {
    expect(splitPerson("@bob:example.org too loud", [])).toEqual({ person: "@bob:example.org", reason: "too loud" });
    expect(splitPerson("@Bob Baker too loud", [{ text: "@Bob", id: "@b:x" }, { text: "@Bob Baker", id: "@bob:x" }])).toEqual({ person: "@bob:x", reason: "too loud" });
  });

  test("each say what they do", () => {
    for (const { name } of commands) {
      expect((en.command as Record<string, string>)[name], name).toBeTruthy();
      expect((de.command as Record<string, string>)[name], name).toBeTruthy();
    }
  });
});
