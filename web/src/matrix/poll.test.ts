import { describe, expect, test } from "vitest";
import { questionOf, tally, type Vote } from "./poll.ts";

const unstable = {
  "org.matrix.msc3381.poll.start": {
    question: { "org.matrix.msc1767.text": "Lunch?" }, kind: "org.matrix.msc3381.poll.disclosed", max_selections: 2,
    answers: [{ id: "a", "org.matrix.msc1767.text": "Pizza" }, { id: "b", "org.matrix.msc1767.text": "Salad" }, { id: "c", "org.matrix.msc1767.text": "Soup" }],
  },
};
const stable = {
  "m.text": [{ body: "Lunch? 1. Pizza" }],
  "m.poll": { question: { "m.text": [{ body: "Lunch?" }] }, kind: "m.undisclosed", answers: [{ "m.id": "a", "m.text": [{ mimetype: "text/html", body: "<b>Pizza</b>" }, { body: "Pizza" }] }] },
};

describe("polls", () => {
  test("are read in both forms of MSC3381", () => {
    expect(questionOf(unstable)).toEqual({ text: "Lunch?", disclosed: true, max: 2, answers: [{ id: "a", text: "Pizza" }, { id: "b", text: "Salad" }, { id: "c", text: "Soup" }] });
    expect(questionOf(stable)).toEqual({ text: "Lunch?", disclosed: false, max: 1, answers: [{ id: "a", text: "Pizza" }] });
    expect(questionOf({ "m.poll": { question: {}, answers: "none" } })).toBeNull();
  });

  test("count the last vote of each person before the end, cut to what is allowed; an unknown answer spoils a vote", () => {
    const question = questionOf(unstable);
    if (!question) throw new Error("no question");
    const vote = (sender: string, at: number, ...choices: string[]): Vote => ({ sender, at, id: `$${sender}${at}`, choices });
    const counted = tally(question, [vote("anna", 2, "b"), vote("anna", 1, "a"), vote("bob", 1, "a", "b", "c"), vote("carl", 1, "a"), vote("carl", 2, "z"), vote("dora", 9, "a"), vote("emil", 1, "a"), vote("emil", 2)], 5);
    expect([...counted]).toEqual([["anna", ["b"]], ["bob", ["a", "b"]]]);
  });
});
