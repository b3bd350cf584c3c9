/** What stops a change of password, as a key of this folder's texts; null if nothing does. The server has the last word. */
export function passwordProblem(next: string, again: string): { field: "next" | "again"; text: string } | null {
  if ([...next].length < 8) return { field: "next", text: "password.short" };
  if (next !== again) return { field: "again", text: "password.differ" };
  return null;
}
