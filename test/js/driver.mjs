// Drives matrix-js-sdk, with its Rust crypto, for the Go tests: one JSON request a line on standard
// input, one JSON answer a line on standard output, in any order. One process holds many clients.
//
//   {"id": 7, "client": "alice", "cmd": "send", "args": {…}}  ->  {"id": 7, "result": …} or {"id": 7, "error": "…"}
//
// The commands are the methods of Client. What the SDK logs goes to standard error.

// matrix-js-sdk is written for Node.js 22.
Promise.withResolvers ??= function withResolvers() {
    let resolve, reject;
    const promise = new this((a, b) => ([resolve, reject] = [a, b]));
    return { promise, resolve, reject };
};

await import("fake-indexeddb/auto");
const sdk = await import("matrix-js-sdk");
const { SlidingSync } = await import("matrix-js-sdk/lib/sliding-sync.js");
const { CryptoEvent, VerificationPhase, VerifierEvent, decodeRecoveryKey } = await import("matrix-js-sdk/lib/crypto-api/index.js");
const { logger } = await import("matrix-js-sdk/lib/logger.js");
const readline = await import("node:readline");
const { webcrypto } = await import("node:crypto");

// CONCLAVE_TEST_JS_LOG=debug shows all that the SDK and its crypto say.
const level = process.env.CONCLAVE_TEST_JS_LOG ?? "error";
const levels = ["trace", "debug", "log", "info", "warn", "error"];
for (const [i, name] of levels.entries()) {
    console[name] = i < levels.indexOf(level) ? () => {} : (...what) => process.stderr.write(`${name}: ${what.map(String).join(" ")}\n`);
}
logger.setLevel?.(level === "log" ? "info" : level);

const base64 = (bytes) => Buffer.from(bytes).toString("base64").replace(/=+$/, "");
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

// How long to wait for what has to come: only a failing test waits so long.
const patience = 120_000;

/** until asks probe again and again until it gives something. */
async function until(what, probe) {
    for (const end = Date.now() + patience; ; await sleep(20)) {
        const found = await probe();
        if (found) return found;
        if (Date.now() > end) throw new Error(`${what}: not within ${patience} ms`);
    }
}

class Client {
    constructor(name) {
        this.name = name;
        this.requests = []; // verification requests that came in
    }

    /** login makes a new device, starts its crypto and syncs, through /sync or sliding sync. */
    async login({ url, user, password, sliding }) {
        const bare = sdk.createClient({ baseUrl: url });
        const session = await bare.loginRequest({
            type: "m.login.password",
            identifier: { type: "m.id.user", user },
            password,
            initial_device_display_name: `matrix-js-sdk ${this.name}`,
        });
        this.password = password;
        this.c = sdk.createClient({
            baseUrl: url,
            userId: session.user_id,
            deviceId: session.device_id,
            accessToken: session.access_token,
            cryptoCallbacks: {
                getSecretStorageKey: async ({ keys }) => [Object.keys(keys)[0], this.recoveryKey],
            },
        });
        await this.c.initRustCrypto({ cryptoDatabasePrefix: `${this.name}-${session.device_id}` });
        this.crypto = this.c.getCrypto();
        this.c.on(CryptoEvent.VerificationRequestReceived, (request) => this.requests.push(request));
        // Accept no invitation by itself; tests say when.
        const options = { initialSyncLimit: 50, lazyLoadMembers: !sliding };
        if (sliding) {
            const all = { required_state: [["*", "*"]], timeline_limit: 50 };
            options.slidingSync = new SlidingSync(url, new Map([["all", { ...all, ranges: [[0, 99]] }]]), all, this.c, 20000);
        }
        const ready = until("first sync", () => ["PREPARED", "SYNCING"].includes(this.c.getSyncState()));
        await this.c.startClient(options);
        await ready;
        return { user_id: session.user_id, device_id: session.device_id };
    }

    async stop() {
        this.c.stopClient();
        return {};
    }

    async createRoom({ name, invite, direct }) {
        const made = await this.c.createRoom({ name, invite, is_direct: direct, preset: direct ? "trusted_private_chat" : "private_chat" });
        return { room_id: made.room_id };
    }

    async invite({ room, user }) {
        await this.c.invite(room, user);
        return {};
    }

    async join({ room }) {
        await until(`invitation to ${room}`, () => this.c.getRoom(room)?.getMyMembership() === "invite");
        await this.c.joinRoom(room);
        return {};
    }

    async leave({ room }) {
        await this.c.leave(room);
        return {};
    }

    /** members waits until this client has seen exactly these joined members, and encryption. */
    async members({ room, joined }) {
        const want = JSON.stringify([...joined].sort());
        await until(`members of ${room}`, async () => {
            const r = this.c.getRoom(room);
            if (!r || !(await this.crypto.isEncryptionEnabledInRoom(room))) return false;
            await r.loadMembersIfNeeded();
            return JSON.stringify(r.getJoinedMembers().map((m) => m.userId).sort()) === want;
        });
        return {};
    }

    async send({ room, type, content }) {
        const sent = await this.c.sendEvent(room, type, content);
        return { event_id: sent.event_id };
    }

    async redact({ room, event }) {
        const sent = await this.c.redactEvent(room, event);
        return { event_id: sent.event_id };
    }

    /** sendFile encrypts the file as the specification's EncryptedFile and sends it. */
    async sendFile({ room, name, data }) {
        const key = await webcrypto.subtle.generateKey({ name: "AES-CTR", length: 256 }, true, ["encrypt", "decrypt"]);
        const iv = new Uint8Array(16);
        webcrypto.getRandomValues(iv.subarray(0, 8));
        const sealed = await webcrypto.subtle.encrypt({ name: "AES-CTR", counter: iv, length: 64 }, key, Buffer.from(data, "base64"));
        const sha256 = await webcrypto.subtle.digest("SHA-256", sealed);
        const { content_uri } = await this.c.uploadContent(new Blob([sealed]), { type: "application/octet-stream", includeFilename: false });
        const { k } = await webcrypto.subtle.exportKey("jwk", key);
        return this.send({
            room,
            type: "m.room.message",
            content: {
                msgtype: "m.file",
                body: name,
                file: {
                    v: "v2",
                    url: content_uri,
                    key: { alg: "A256CTR", ext: true, k, key_ops: ["encrypt", "decrypt"], kty: "oct" },
                    iv: base64(iv),
                    hashes: { sha256: base64(sha256) },
                },
            },
        });
    }

    /** fetchFile downloads and decrypts the file of a received message. */
    async fetchFile({ room, event }) {
        const { content } = await this.wait({ room, event });
        const url = this.c.mxcUrlToHttp(content.file.url, undefined, undefined, undefined, false, true, true);
        const got = await fetch(url, { headers: { authorization: `Bearer ${this.c.getAccessToken()}` } });
        if (!got.ok) throw new Error(`download: ${got.status} ${await got.text()}`);
        const sealed = await got.arrayBuffer();
        const sha256 = base64(await webcrypto.subtle.digest("SHA-256", sealed));
        if (sha256 !== content.file.hashes.sha256) throw new Error("the file's hash is wrong");
        const key = await webcrypto.subtle.importKey("raw", Buffer.from(content.file.key.k, "base64url"), "AES-CTR", false, ["decrypt"]);
        const iv = Buffer.from(content.file.iv, "base64");
        const plain = await webcrypto.subtle.decrypt({ name: "AES-CTR", counter: iv, length: 64 }, key, sealed);
        return { data: Buffer.from(plain).toString("base64") };
    }

    /** find gives an event, and has it decrypted as a client does before it shows one: the SDK leaves old ones alone. */
    async find(room, id) {
        const event = this.c.getRoom(room)?.findEventById(id);
        if (event) await this.c.decryptEventIfNeeded(event);
        return event;
    }

    describe(event) {
        return {
            event_id: event.getId(),
            sender: event.getSender(),
            type: event.getType(),
            content: event.isRedacted() ? {} : event.getOriginalContent(),
            relates_to: event.getWireContent()["m.relates_to"] ?? event.getOriginalContent()["m.relates_to"] ?? null,
            encrypted: event.isEncrypted(),
            redacted: event.isRedacted(),
            failure: event.isDecryptionFailure() ? String(event.decryptionFailureReason) : "",
        };
    }

    /** wait gives an event once it is here and decrypted (or redacted, if asked for). */
    async wait({ room, event, redacted }) {
        let last = "not seen";
        try {
            return await until(`event ${event}`, async () => {
                const found = await this.find(room, event);
                if (!found) return false;
                const is = this.describe(found);
                last = JSON.stringify({ ...is, content: undefined });
                if (redacted) return is.redacted && is;
                return !is.failure && is.type !== "m.room.encrypted" && !found.isBeingDecrypted() && is;
            });
        } catch (err) {
            throw new Error(`${err.message} (${last})`);
        }
    }

    /** unreadable gives why an event cannot be read, "absent" or the SDK's reason; nothing if it can. */
    async unreadable({ room, event }) {
        const found = await this.find(room, event);
        if (!found) return { failure: "absent" };
        const is = this.describe(found);
        return { failure: is.failure };
    }

    /** scrollback pages back until the event is in the timeline. */
    async scrollback({ room, event }) {
        const r = await until(`room ${room}`, () => this.c.getRoom(room));
        for (let page = 0; page < 20 && !r.findEventById(event); page++) await this.c.scrollback(r, 50);
        return {};
    }

    uia = async (makeRequest) => {
        try {
            return await makeRequest(null);
        } catch (err) {
            if (err.httpStatus !== 401 || !err.data?.session) throw err;
            return makeRequest({
                type: "m.login.password",
                identifier: { type: "m.id.user", user: this.c.getUserId() },
                password: this.password,
                session: err.data.session,
            });
        }
    };

    /** bootstrap makes cross-signing keys, secret storage and a key backup, and gives the recovery key. */
    async bootstrap() {
        await this.crypto.bootstrapCrossSigning({ authUploadDeviceSigningKeys: this.uia });
        const recovery = await this.crypto.createRecoveryKeyFromPassphrase();
        this.recoveryKey = recovery.privateKey;
        await this.crypto.bootstrapSecretStorage({
            createSecretStorageKey: async () => recovery,
            setupNewSecretStorage: true,
            setupNewKeyBackup: true,
        });
        await until("cross-signing", () => this.crypto.isCrossSigningReady());
        return { recovery_key: recovery.encodedPrivateKey };
    }

    /** backedUp waits until every room key of this device is in the backup. */
    async backedUp() {
        // It starts the upload after up to ten seconds.
        await until("backup", async () => {
            const active = await this.crypto.getActiveSessionBackupVersion();
            // The SDK's own answer is from before the upload.
            const info = active && (await this.c.http.authedRequest("GET", "/room_keys/version", {}, undefined, { prefix: "/_matrix/client/v3" }));
            const held = await this.crypto.exportRoomKeys();
            return info && info.count >= held.length && held.length > 0;
        });
        return {};
    }

    /** restore opens secret storage with the recovery key, signs this device and fetches the backup. */
    async restore({ recovery_key }) {
        this.recoveryKey = decodeRecoveryKey(recovery_key);
        // The private keys are taken only if they fit the public ones, which have to be known.
        await until("own identity", () => this.crypto.userHasCrossSigningKeys(this.c.getUserId(), true));
        await this.crypto.bootstrapCrossSigning({ authUploadDeviceSigningKeys: this.uia });
        await this.crypto.loadSessionBackupPrivateKeyFromSecretStorage();
        await this.crypto.checkKeyBackupAndEnable();
        const { total, imported } = await this.crypto.restoreKeyBackup();
        return { total, imported };
    }

    /** verified tells whether this client trusts the user's identity, or one device of it by cross-signing. */
    async verified({ user, device }) {
        if (device) {
            const status = await this.crypto.getDeviceVerificationStatus(user, device);
            return { verified: Boolean(status?.crossSigningVerified) };
        }
        return { verified: (await this.crypto.getUserVerificationStatus(user)).isCrossSigningVerified() };
    }

    /** knows waits until the keys of a device are here. */
    async knows({ user, device }) {
        await this.crypto.userHasCrossSigningKeys(user, true); // asks the server again
        await until(`device ${device}`, async () => (await this.crypto.getUserDeviceInfo([user], true)).get(user)?.has(device));
        return {};
    }

    /** verify asks the other side, in a room or by its device, to verify. */
    async verify({ user, room, device }) {
        this.request = room
            ? await this.crypto.requestVerificationDM(user, room)
            : await this.crypto.requestDeviceVerification(user, device);
        return {};
    }

    /** acceptVerification takes the request that came from the user. */
    async acceptVerification({ user }) {
        this.request = await until("verification request", () => this.requests.find((r) => r.otherUserId === user && r.phase === VerificationPhase.Requested));
        await this.request.accept();
        return {};
    }

    /** sas begins (or answers) the emoji comparison and gives what is to be compared. */
    async sas({ begin }) {
        const request = this.request;
        const reached = (phase) => {
            if (request.phase === VerificationPhase.Cancelled) throw new Error(`verification cancelled: ${request.cancellationCode}`);
            return request.phase >= phase;
        };
        await until("verification ready", () => reached(VerificationPhase.Ready));
        if (begin) this.verifier = await request.startVerification("m.sas.v1");
        else this.verifier = await until("verification start", () => reached(VerificationPhase.Started) && request.verifier);
        this.shown = new Promise((show) => {
            const ready = this.verifier.getShowSasCallbacks();
            if (ready) show(ready);
            else this.verifier.once(VerifierEvent.ShowSas, show);
        });
        this.done = this.verifier.verify();
        this.done.catch(() => {}); // reported by confirm
        const callbacks = await Promise.race([this.shown, this.done.then(() => this.shown)]);
        return { decimal: callbacks.sas.decimal };
    }

    /** confirm says that the comparison matched, and waits for the other side. */
    async confirm() {
        await (await this.shown).confirm();
        await this.done;
        await until("verification done", () => this.request.phase === VerificationPhase.Done);
        return {};
    }
}

const clients = new Map();
for await (const text of readline.createInterface({ input: process.stdin })) {
    const { id, client, cmd, args } = JSON.parse(text);
    if (!clients.has(client)) clients.set(client, new Client(client));
    clients
        .get(client)
        [cmd](args ?? {})
        .then((result) => ({ id, result }))
        .catch((err) => ({ id, error: `${cmd}: ${err?.stack ?? err}` }))
        .then((answer) => process.stdout.write(JSON.stringify(answer) + "\n"));
}
process.exit(0);
