import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createServer } from "node:net";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

const root = path.resolve(import.meta.dirname, "../..");
const program = path.join(root, "bin/conclave");

/** What `make run` would start, with cheap password hashes and without rate limits. */
const settings = {
  CONCLAVE_MASTER_KEY: "Y29uY2xhdmUgdGVzdHMgb25seTogbm8gc2VjcmV0ISE=",
  CONCLAVE_ACCOUNTS_PASSWORDS_MEMORY_KIB: "1024",
  CONCLAVE_ACCOUNTS_PASSWORDS_ITERATIONS: "1",
  CONCLAVE_RATE_LIMITS_MESSAGE_PER_SECOND: "0",
  CONCLAVE_RATE_LIMITS_JOIN_PER_SECOND: "0",
  CONCLAVE_RATE_LIMITS_COSTLY_PER_SECOND: "0",
  CONCLAVE_RATE_LIMITS_LOGIN_PER_SECOND: "0",
  CONCLAVE_RATE_LIMITS_REGISTER_PER_SECOND: "0",
};

export const password = "correct horse battery staple";

async function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const s = createServer();
    s.on("error", fail);
    s.listen(0, "127.0.0.1", () => {
      const address = s.address();
      s.close(() => (address !== null && typeof address === "object" ? done(address.port) : fail(new Error("no port"))));
    });
  });
}

/** One running server with data of its own. It ends with the process of the tests, however that ends. */
export class Server {
  readonly url: string;
  readonly dir: string;
  output = "";
  /** Recovery keys by account, as their people kept them. */
  readonly recoveryKeys = new Map<string, string>();
  private readonly env: NodeJS.ProcessEnv;
  private process: ChildProcess | undefined;

  private constructor(dir: string, port: number, env: Record<string, string>) {
    this.dir = dir;
    // Chromium takes localhost for a secure address, as it does https.
    this.url = `http://localhost:${port}`;
    this.env = { ...process.env, ...settings, CONCLAVE_CONFIG: path.join(dir, "conclave.yaml"), ...env };
  }

  /** Starts a server; env are further settings. */
  static async start(env: Record<string, string> = {}): Promise<Server> {
    const dir = await mkdtemp(path.join(tmpdir(), "conclave-browser-"));
    const port = await freePort();
    const s = new Server(dir, port, env);
    await s.run("init", "--server-name", "localhost", "--public-url", s.url, "--listen", `127.0.0.1:${port}`, "--data-dir", dir, "--config", path.join(dir, "conclave.yaml"));
    await s.resume();
    const page = await fetch(s.url, { headers: { Accept: "text/html" } });
    if (!(await page.text()).includes('id="root"')) throw new Error(`${program} has no web app: run make build`);
    return s;
  }

  /** Runs one of the program's other commands and gives what it prints. */
  async run(...args: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(program, args, { env: this.env });
    return stdout;
  }

  /** Starts the server again on the same data. */
  async resume(): Promise<void> {
    const p = spawn(program, ["serve"], { env: this.env, stdio: ["ignore", "pipe", "pipe"] });
    this.process = p;
    process.once("exit", () => p.kill("SIGKILL"));
    for (const out of [p.stdout, p.stderr]) out?.on("data", (text: Buffer) => (this.output += text.toString()));
    await new Promise<void>((done, fail) => {
      p.once("exit", () => fail(new Error(`the server ended:\n${this.output}`)));
      const probe = () => (/msg=serving/.test(this.output) ? done() : setTimeout(probe, 20));
      probe();
    });
  }

  /** Ends the server, its data stay. */
  async halt(): Promise<void> {
    const p = this.process;
    if (!p || p.exitCode !== null) return;
    this.output = this.output.replaceAll("msg=serving", "msg=served");
    const gone = new Promise((done) => p.once("exit", done));
    p.kill("SIGTERM");
    await gone;
  }

  async stop(): Promise<void> {
    await this.halt();
    await rm(this.dir, { recursive: true, force: true });
  }

  /** Makes an account, its password is `password`. */
  async account(name: string, { displayName = name, admin = false } = {}): Promise<void> {
    const args = ["user", "add", name, "--display-name", displayName, "--password-stdin", ...(admin ? ["--admin"] : [])];
    await new Promise<void>((done, fail) => {
      const p = execFile(program, args, { env: this.env }, (err, _out, text) => (err ? fail(new Error(text)) : done()));
      p.stdin?.end(`${password}\n`);
    });
  }

  /** Calls the API as a script would. */
  async api<T = Record<string, unknown>>(method: string, to: string, token?: string, body?: unknown): Promise<T> {
    const headers = { "Content-Type": "application/json", ...(token ? { Authorization: `Bearer ${token}` } : {}) };
    const response = await fetch(this.url + to, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    const answer = (await response.json()) as T;
    if (!response.ok) throw new Error(`${method} ${to}: ${response.status} ${JSON.stringify(answer)}`);
    return answer;
  }

  /** A token of an account, as of a client without encryption. */
  async token(name: string): Promise<string> {
    const body = { type: "m.login.password", identifier: { type: "m.id.user", user: name }, password };
    return (await this.api<{ access_token: string }>("POST", "/_matrix/client/v3/login", undefined, body)).access_token;
  }
}
