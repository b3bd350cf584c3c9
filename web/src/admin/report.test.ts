import { expect, test } from "vitest";
import { csvField, maxTable, reportCsv, tableProblem } from "./report.ts";

// RFC 4180 section 2, and OWASP's list of what spreadsheets take for a formula.
test.each([
  ["plain", "plain"],
  ["a,b", '"a,b"'],
  ['say "hi"', '"say ""hi"""'],
  ["two\nlines", '"two\nlines"'],
  ["=1+1", "'=1+1"],
  ["@SUM(A1)", "'@SUM(A1)"],
  ["-2", "'-2"],
])("%j is written %j", (value, written) => {
  expect(csvField(value)).toBe(written);
});

test("a report has a line for each row", () => {
  const rows = [{ line: 2, user_name: "erin", display_name: "Erin, E.", email: "", admin: false, outcome: "done" as const, link: "https://x/#y" }];
  expect(reportCsv(rows)).toBe('line,user_name,display_name,email,admin,outcome,problem,link,password\r\n2,erin,"Erin, E.",,false,done,,https://x/#y,\r\n');
});

test("a table without its header, or too large, is not sent", () => {
  expect(tableProblem("user_name,email\na,b")).toBeNull();
  expect(tableProblem('\uFEFF"user_name";email\r\na;b')).toBeNull();
  expect(tableProblem("erin,Erin\n")).toBe("import.noHeader");
  expect(tableProblem(`user_name\n${"x".repeat(maxTable)}`)).toBe("import.tooLarge");
});
