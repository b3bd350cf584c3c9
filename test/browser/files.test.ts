import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { closeBrowser, Person } from "./browser.ts";
import { pdf } from "./pdf.ts";
import { Server } from "./server.ts";

const soon = { timeout: 20_000 };
let server: Server;
let alice: Person;
let bob: Person;
let roomId: string;
let observer: string;

const field = (p: Person) => p.page.getByRole("textbox", { name: "Message", exact: true });
/** The panel with the room's files. */
const shelf = (p: Person) => p.page.getByRole("complementary", { name: "Files" });

interface Given {
  name: string;
  type: string;
  base64: string;
}

const given = (name: string, type: string, bytes: Uint8Array): Given => ({ name, type, base64: Buffer.from(bytes).toString("base64") });

/** Drops files onto the page, as a person does from a folder. */
async function drop(p: Person, files: Given[]): Promise<void> {
  const transfer = await p.page.evaluateHandle((all) => {
    const t = new DataTransfer();
    for (const f of all) t.items.add(new File([Uint8Array.from(atob(f.base64), (c) => c.charCodeAt(0))], f.name, { type: f.type }));
    return t;
  }, files);
  await p.page.dispatchEvent("main", "dragover", { dataTransfer: transfer });
  await p.page.dispatchEvent("main", "drop", { dataTransfer: transfer });
}

/** A photograph as a phone makes it: larger than its preview, with a place in its Exif data. */
async function photograph(p: Person): Promise<Given> {
  const base64 = await p.page.evaluate(async () => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [1600, 1000];
    const context = canvas.getContext("2d") as CanvasRenderingContext2D;
    for (let i = 0; i < 400; i++) {
      context.fillStyle = `hsl(${i * 37} 70% 50%)`;
      context.fillRect((i % 20) * 80, Math.floor(i / 20) * 50, 80, 50);
    }
    const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/jpeg", 0.9));
    return btoa([...new Uint8Array(await (blob as Blob).arrayBuffer())].map((b) => String.fromCharCode(b)).join(""));
  });
  const plain = Buffer.from(base64, "base64");
  const exif = Buffer.from("Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0 GPS 52.5163 13.3777", "latin1");
  const segment = Buffer.concat([Buffer.from([0xff, 0xe1, 0, exif.length + 2]), exif]);
  return given("holiday.jpg", "image/jpeg", Buffer.concat([plain.subarray(0, 2), segment, plain.subarray(2)]));
}

/** The bytes that a download brings. */
async function downloaded(p: Person, name: string): Promise<Buffer> {
  const [download] = await Promise.all([p.page.waitForEvent("download"), p.page.getByRole("button", { name: `Download ${name}` }).last().click()]);
  expect(download.suggestedFilename()).toBe(name);
  return readFile(await download.path());
}

beforeAll(async () => {
  server = await Server.start({ CONCLAVE_MEDIA_MAX_UPLOAD: "3000000" });
  await server.account("alice", { displayName: "Alice Archer" });
  await server.account("bob", { displayName: "Bob Baker" });
  observer = await server.token("alice");
  const body = {
    preset: "private_chat", name: "Plans", invite: ["@bob:localhost"],
    initial_state: [{ type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } }],
  };
  roomId = (await server.api<{ room_id: string }>("POST", "/_matrix/client/v3/createRoom", observer, body)).room_id;
  await server.api("POST", `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/join`, await server.token("bob"), {});
  const microphone = { permissions: ["microphone"] };
  alice = await (await Person.open(server, microphone)).signIn("alice");
  bob = await (await Person.open(server)).signIn("bob");
  await alice.page.getByRole("link", { name: "Plans" }).click();
  await bob.page.goto(`/room/${encodeURIComponent(roomId)}?panel=files`);
  for (const p of [alice, bob]) await field(p).waitFor();
});

afterAll(async () => {
  await closeBrowser();
  await server.stop();
});

const notes = given("notes.txt", "text/plain", Buffer.from("Line one\nLine two: ä\n"));

test("several files are dropped, looked at, captioned, and arrive encrypted and as they were", async () => {
  const photo = await photograph(alice);
  const svg = given("drawing.svg", "image/svg+xml", Buffer.from("<svg xmlns='http://www.w3.org/2000/svg'><script>document.title='run'</script></svg>"));
  const other = given("other.bin", "application/octet-stream", Buffer.from([0]));
  await drop(alice, [photo, notes, svg, other]);
  const dialog = alice.page.getByRole("dialog", { name: "Send 4 files" });
  await dialog.getByRole("button", { name: "Remove other.bin" }).click();
  await alice.page.getByRole("dialog", { name: "Send 3 files" }).getByRole("textbox", { name: "Caption of holiday.jpg" }).fill("At the lake");
  expect(await alice.accessibility()).toEqual([]);
  await alice.page.getByRole("button", { name: "Send 3 files" }).click();

  await shelf(bob).getByRole("button", { name: "Open holiday.jpg" }).locator("img").waitFor();
  await shelf(bob).getByText("Other files").click();
  await shelf(bob).getByRole("group", { name: "notes.txt" }).waitFor();
  expect((await downloaded(bob, "notes.txt")).toString("base64")).toBe(notes.base64);
  // A drawing that can hold a script is a file to download, and stays what it was.
  await shelf(bob).getByRole("group", { name: "drawing.svg" }).waitFor();
  expect((await downloaded(bob, "drawing.svg")).toString("base64")).toBe(svg.base64);
  expect(await bob.page.title()).not.toBe("run");
});

test("documents and texts are read in the page, with their pages, their text, and what is wrong with them", async () => {
  const pages = Array.from({ length: 500 }, (_, i) => `This is page ${i + 1}`);
  const document = given("report.pdf", "application/pdf", pdf(pages));
  const locked = given("locked.pdf", "application/pdf", pdf(["Nobody else"], "swordfish"));
  const broken = given("broken.pdf", "application/pdf", Buffer.from("not a document"));
  await drop(alice, [document, locked, broken]);
  await alice.page.getByRole("button", { name: "Send 3 files" }).click();
  const { page } = bob;
  const open = async (name: string) => {
    await shelf(bob).getByRole("button", { name: `Open ${name}` }).click();
    return page.getByRole("dialog", { name });
  };
  const close = () => page.getByRole("dialog").getByRole("button", { name: "Close", exact: true }).click();

  const box = await open("report.pdf");
  const first = box.getByRole("region", { name: "Page 1", exact: true });
  await first.getByText("This is page 1", { exact: true }).waitFor();
  // The text is drawn: some of the page is dark, most is white. And the invisible words lie upon the drawn ones.
  const dark = (from: number, to: number) => first.locator("canvas").evaluate((c: HTMLCanvasElement, [a, b]) => {
    const { data } = (c.getContext("2d") as CanvasRenderingContext2D).getImageData(0, Math.floor(c.height * a), c.width, Math.floor(c.height * (b - a)));
    return data.filter((v, i) => i % 4 === 0 && v < 100).length;
  }, [from, to] as const);
  expect(await dark(0.08, 0.14)).toBeGreaterThan(500);
  expect(await dark(0.2, 1)).toBe(0);
  const [sheet, words] = [await first.boundingBox(), await first.getByText("This is page 1").boundingBox()];
  if (!sheet || !words) throw new Error("nothing to see");
  expect((words.y + words.height / 2 - sheet.y) / sheet.height).toBeCloseTo((842 - 740 - 10) / 842, 1);
  expect(words.x - sheet.x).toBeCloseTo((60 / 595) * sheet.width, -1);
  expect(await bob.accessibility()).toEqual([]);
  // Of 500 pages a few are there.
  await box.getByRole("textbox", { name: "Page, of 500" }).fill("412");
  await page.keyboard.press("Enter");
  await box.getByText("This is page 412", { exact: true }).waitFor();
  await expect.poll(() => box.getByRole("textbox", { name: "Page, of 500" }).inputValue(), soon).toBe("412");
  expect(await box.locator("canvas").count()).toBeLessThan(8);
  const width = async () => (await box.getByRole("region", { name: "Page 412" }).boundingBox())?.width ?? 0;
  const before = await width();
  await box.getByRole("button", { name: "Larger" }).click();
  await expect.poll(async () => Math.round(((await width()) / before) * 100), soon).toBe(125);
  await box.getByRole("region", { name: "Content of report.pdf" }).press("-");
  await expect.poll(width, soon).toBe(before);
  const [download] = await Promise.all([page.waitForEvent("download"), box.getByRole("button", { name: "Download report.pdf" }).click()]);
  expect((await readFile(await download.path())).toString("base64")).toBe(document.base64);
  await page.keyboard.press("Escape");
  await box.waitFor({ state: "detached" });

  const secret = await open("locked.pdf");
  await secret.getByText("This PDF is protected by a password.").waitFor();
  for (const word of ["herring", "swordfish"]) {
    await secret.getByLabel("Password of the document").fill(word);
    await secret.getByRole("button", { name: "Open", exact: true }).click();
    if (word === "herring") await secret.getByText("This is not the document's password.").waitFor();
  }
  await secret.getByText("Nobody else").waitFor();
  await close();
  await (await open("broken.pdf")).getByText(/^This PDF is damaged/).waitFor();
  await close();
  await (await open("notes.txt")).getByText("Line two: ä").waitFor();
  await close();
  bob.clean();
});

test("a picture is seen whole and saved, without the place where it was taken", async () => {
  await shelf(bob).getByText("Pictures and videos").click();
  await shelf(bob).getByRole("button", { name: "Open holiday.jpg" }).click();
  const box = bob.page.getByRole("dialog", { name: "holiday.jpg" });
  await box.locator("img[data-whole]").waitFor();
  await box.getByText("At the lake").waitFor();
  expect(await box.locator("img").evaluate((i: HTMLImageElement) => i.decode().then(() => [i.naturalWidth, i.naturalHeight]))).toEqual([1600, 1000]);
  expect(await bob.accessibility()).toEqual([]);
  const [download] = await Promise.all([bob.page.waitForEvent("download"), box.getByRole("button", { name: "Download holiday.jpg" }).click()]);
  const bytes = await readFile(await download.path());
  expect(bytes.includes("GPS")).toBe(false);
  expect(bytes.subarray(0, 2)).toEqual(Buffer.from([0xff, 0xd8]));
  await bob.page.keyboard.press("Escape");
  await box.waitFor({ state: "detached" });
  await shelf(bob).getByText("Other files").click();
});

test("a film is pasted into the field, has a picture before it is played, and plays", async () => {
  const base64 = await alice.page.evaluate(async () => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [160, 90];
    const context = canvas.getContext("2d") as CanvasRenderingContext2D;
    const recorder = new MediaRecorder(canvas.captureStream(), { mimeType: "video/webm" });
    const parts: Blob[] = [];
    recorder.ondataavailable = (e) => parts.push(e.data);
    const ended = new Promise((done) => (recorder.onstop = done));
    recorder.start();
    for (let i = 0; i < 30; i++) {
      context.fillStyle = `hsl(${i * 12} 80% 50%)`;
      context.fillRect(0, 0, 160, 90);
      await new Promise(requestAnimationFrame);
    }
    recorder.stop();
    await ended;
    return btoa([...new Uint8Array(await new Blob(parts).arrayBuffer())].map((b) => String.fromCharCode(b)).join(""));
  });
  const pasted = await alice.page.evaluateHandle((b) => {
    const t = new DataTransfer();
    t.items.add(new File([Uint8Array.from(atob(b), (c) => c.charCodeAt(0))], "clip.webm", { type: "video/webm" }));
    return t;
  }, base64);
  await field(alice).evaluate((e, t) => e.dispatchEvent(new ClipboardEvent("paste", { clipboardData: t, bubbles: true, cancelable: true })), pasted);
  const dialog = alice.page.getByRole("dialog", { name: "Send a file" });
  await dialog.getByRole("textbox", { name: "Caption of clip.webm" }).waitFor();
  await dialog.getByRole("button", { name: "Send", exact: true }).click();
  await shelf(bob).getByText("Pictures and videos").click();
  const play = shelf(bob).getByRole("button", { name: "Play clip.webm" });
  await expect.poll(() => play.locator("img").evaluate((i: HTMLImageElement) => i.naturalWidth), soon).toBe(160);
  await play.click();
  const film = shelf(bob).locator("video");
  await expect.poll(() => film.evaluate((v: HTMLVideoElement) => [v.videoWidth, v.currentTime > 0 || v.ended]), soon).toEqual([160, true]);
  await shelf(bob).getByText("Other files").click();
  bob.clean();
});

test("a file that is too large is said to be before anything is uploaded", async () => {
  const requests: string[] = [];
  alice.page.on("request", (r) => r.url().includes("/upload") && requests.push(r.url()));
  await drop(alice, [given("film.bin", "application/octet-stream", new Uint8Array(3_000_001))]);
  await alice.page.getByText("Too large: this server takes files up to 3 MB.").waitFor();
  expect(await alice.page.getByRole("dialog").getByRole("button", { name: "Send", exact: true }).isDisabled()).toBe(true);
  await alice.page.getByRole("button", { name: "Remove film.bin" }).click();
  expect(requests).toEqual([]);
});

test("an upload is cancelled, and one that failed is tried again", async () => {
  let held: (() => void) | undefined;
  await alice.page.route("**/_matrix/media/v3/upload*", (route) => void (held = () => void route.continue().catch(() => undefined)));
  await drop(alice, [given("slow.bin", "application/octet-stream", Buffer.from("slow"))]);
  await alice.page.getByRole("dialog").getByRole("button", { name: "Send", exact: true }).click();
  await expect.poll(() => held !== undefined, soon).toBe(true);
  await alice.page.getByRole("button", { name: "Cancel slow.bin" }).click();
  await expect.poll(() => alice.page.getByRole("list", { name: "Files on their way" }).count(), soon).toBe(0);
  await alice.page.unroute("**/_matrix/media/v3/upload*");

  await alice.page.route("**/_matrix/media/v3/upload*", (route) => route.abort());
  await drop(alice, [given("again.bin", "application/octet-stream", Buffer.from("again"))]);
  await alice.page.getByRole("dialog").getByRole("button", { name: "Send", exact: true }).click();
  await alice.page.getByText("The server cannot be reached.").waitFor();
  await alice.page.unroute("**/_matrix/media/v3/upload*");
  await alice.page.getByRole("button", { name: "Try again.bin again" }).click();
  await shelf(bob).getByRole("group", { name: "again.bin" }).waitFor();
  expect(await shelf(bob).getByRole("group", { name: "slow.bin" }).count()).toBe(0);
});

test("content that was changed on its way is refused", async () => {
  await bob.page.route("**/_matrix/client/v1/media/download/**", async (route) => {
    const response = await route.fetch();
    const body = await response.body();
    body[0] = (body[0] ?? 0) ^ 1;
    await route.fulfill({ response, body });
  });
  await shelf(bob).getByRole("button", { name: "Download notes.txt" }).click();
  await bob.page.getByText("This file was damaged or changed on its way.").waitFor();
  await bob.page.unroute("**/_matrix/client/v1/media/download/**");
});

test("a voice message is recorded, heard, sent, and played by the other", async () => {
  await alice.page.getByRole("button", { name: "Record a voice message" }).click();
  const timer = alice.page.getByRole("timer");
  await expect.poll(() => timer.textContent(), soon).toBe("0:01");
  await alice.page.getByRole("button", { name: "Stop recording" }).click();
  await alice.page.getByRole("button", { name: "Play" }).last().waitFor();
  await alice.page.getByRole("button", { name: "Send voice message" }).click();
  const play = shelf(bob).getByRole("button", { name: "Play", exact: true });
  await play.click();
  await expect.poll(() => bob.page.evaluate(() => [...document.querySelectorAll("audio")].some((a) => a.currentTime > 0)), soon).toBe(true);
});

test("the files of a room are found in its panel, by kind, name and sender", async () => {
  await bob.page.reload();
  const panel = shelf(bob);
  await panel.getByRole("button", { name: "Open holiday.jpg" }).waitFor();
  await panel.getByText("Other files").click();
  await panel.getByRole("group", { name: "notes.txt" }).waitFor();
  await panel.getByRole("textbox", { name: "Name" }).fill("DRAW");
  await panel.getByRole("group", { name: "drawing.svg" }).waitFor();
  expect(await panel.getByRole("group", { name: "notes.txt" }).count()).toBe(0);
  expect(await bob.accessibility()).toEqual([]);
});
