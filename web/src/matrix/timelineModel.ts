import { ClientEvent, Direction, MatrixEventEvent, type MatrixEvent, type Room, RoomEvent, RoomMemberEvent, RoomStateEvent, ThreadEvent, type EventTimelineSet, TimelineWindow } from "matrix-js-sdk";
import { client } from "./client.ts";
import { isLiveOrOffline } from "./live.ts";
import type { Message } from "./message.ts";
import { MessageList } from "./timelineMessages.ts";
import { same } from "./timelineSame.ts";
import { subscribe } from "./subscribe.ts";
import { look } from "./timelineBound.ts";
import { firstUnread } from "./receipts.ts";
import { roomMaxAge, untilExpired } from "./retention.ts";

/** Where a timeline is: a room's, or that of a thread in it. */
export interface Place {
  roomId: string;
  threadId?: string | undefined;
}

/** What the view is to scroll to; a new object each time. */
export interface Target {
  id: string | null; // null: the end
  flash: boolean;
}

export interface TimelineView {
  phase: "loading" | "ready" | "missing" | "failed";
  messages: Message[];
  /** Whether the newest message is among them. */
  live: boolean;
  older: boolean;
  newer: boolean;
  /** The last message that was read before the timeline was opened, if what follows is unread. */
  unreadAfter: string | null;
  target: Target;
}

const step = 40;
const nothing: TimelineView = { phase: "loading", messages: [], live: false, older: false, newer: false, unreadAfter: null, target: { id: null, flash: false } };

/**
 * A part of a timeline that grows and shrinks at both ends, as plain messages. The view says when it needs more, and what it no longer
 * needs: so a timeline of any length costs what is near the visible part.
 */
export class TimelineModel {
  private readonly place: Place;
  private room: Room | null;
  private window: TimelineWindow | null = null;
  private set: EventTimelineSet | null = null;
  private view: TimelineView = nothing;
  private readonly listeners = new Set<() => void>();
  private stopListening: () => void = () => undefined;
  private readonly list = new MessageList();
  private busy: Partial<Record<Direction, boolean>> = {};
  private following = false;
  private openings = 0;
  private expiry: ReturnType<typeof setTimeout> | undefined;

  constructor(place: Place) {
    this.place = place;
    this.room = isLiveOrOffline(client()) ? client().getRoom(place.roomId) : null;
  }

  get roomId(): string {
    return this.place.roomId;
  }

  get threadId(): string | undefined {
    return this.place.threadId;
  }

  getView = (): TimelineView => this.view;

  subscribe = (listener: () => void): (() => void) => {
    if (this.listeners.size === 0) this.listen();
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
      if (this.listeners.size === 0) this.stopListening();
    };
  };

  private listen(): void {
    const c = client();
    const { room } = this;
    if (room === null) return; // listens as soon as it is there
    const reset = (_room: Room | undefined, set: EventTimelineSet) => {
      if (set === this.set) void this.afterReset();
    };
    room.on(RoomEvent.TimelineReset, reset);
    const lookAway = look(room.roomId, () => this.following);
    const stop = subscribe(
      [
        [room, [RoomEvent.Timeline, RoomEvent.LocalEchoUpdated, RoomEvent.Redaction, RoomEvent.RedactionCancelled, RoomEvent.Receipt, RoomEvent.UnreadNotifications, ThreadEvent.New, ThreadEvent.Update, ThreadEvent.NewReply]],
        [c, [MatrixEventEvent.Decrypted, MatrixEventEvent.Replaced]],
        [room.currentState, [RoomStateEvent.Events, RoomMemberEvent.Name]],
      ],
      () => this.refresh(),
    );
    this.stopListening = () => {
      lookAway();
      stop();
      clearTimeout(this.expiry);
      room.off(RoomEvent.TimelineReset, reset);
    };
    this.refresh();
  }

  /** The room, once the first sync is through or the user has joined it. */
  private async whenRoom(): Promise<Room> {
    const ready = () => (isLiveOrOffline(client()) ? client().getRoom(this.place.roomId) : null);
    const room =
      ready() ??
      (await new Promise<Room>((found) => {
        let stop = () => undefined as void;
        const look = () => {
          const r = ready();
          if (r !== null) {
            stop();
            found(r);
          } else if (isLiveOrOffline(client())) this.publish({ ...this.view, phase: "missing" });
        };
        stop = subscribe([[client(), [ClientEvent.Sync, ClientEvent.Room]]], look);
        look();
      }));
    if (this.room === null) {
      this.room = room;
      if (this.listeners.size > 0) this.listen();
    }
    return room;
  }

  /** Opens at the first unread message, or at the end. */
  async openUnread(): Promise<void> {
    const room = await this.whenRoom();
    const marker = this.place.threadId !== undefined ? null : firstUnread(room);
    if (marker === null) return this.openEnd();
    if (!(await this.openAt(marker, false, marker))) await this.openEnd();
  }

  /** Opens at the newest message. */
  async openEnd(unreadAfter: string | null = null): Promise<void> {
    await this.load(undefined, { id: null, flash: false }, unreadAfter);
  }

  /** Opens around an event; says whether it is there. */
  async openAt(eventId: string, flash = true, unreadAfter = this.view.unreadAfter): Promise<boolean> {
    return this.load(eventId, { id: eventId, flash }, unreadAfter);
  }

  private async load(eventId: string | undefined, target: Target, unreadAfter: string | null): Promise<boolean> {
    const opening = ++this.openings;
    const room = await this.whenRoom();
    try {
      const set = await this.timelineSet();
      const listenersBefore = new Set(room.listeners(RoomEvent.Timeline));
      const window = new TimelineWindow(client(), set, { windowLimit: Number.MAX_SAFE_INTEGER });
      // The SDK's window never stops listening; events do not leave our timelines, so it need not listen at all.
      for (const l of room.listeners(RoomEvent.Timeline)) if (!listenersBefore.has(l)) room.off(RoomEvent.Timeline, l as never);
      await window.load(eventId, eventId === undefined ? 60 : 80);
      if (opening !== this.openings) return true;
      this.window = window;
      this.set = set;
      this.following = !window.canPaginate(Direction.Forward);
      this.view = { ...this.view, phase: "ready", target, unreadAfter };
      this.refresh();
      this.settle();
      return true;
    } catch {
      if (opening === this.openings && this.window === null && eventId === undefined) this.publish({ ...this.view, phase: "failed" });
      return false;
    }
  }

  /** Points to messages that are shown where the target or the last read event is none, such as a reaction: the one before it. */
  private settle(): void {
    const shown = new Set(this.view.messages.map((m) => m.id));
    const events = this.window?.getEvents() ?? [];
    const nearest = (id: string | null): string | null => {
      if (id === null || shown.has(id)) return id;
      for (let i = events.findIndex((e) => e.getId() === id); i >= 0; i--) if (shown.has(events[i]?.getId() ?? "")) return events[i]?.getId() ?? null;
      return this.view.messages[0]?.id ?? null;
    };
    const { target, unreadAfter } = this.view;
    const id = nearest(target.id);
    this.publish({ ...this.view, target: id === target.id ? target : { ...target, id }, unreadAfter: nearest(unreadAfter) });
  }

  private async timelineSet(): Promise<EventTimelineSet> {
    const room = this.room as Room;
    const { threadId } = this.place;
    if (threadId === undefined) return room.getUnfilteredTimelineSet();
    const known = room.getThread(threadId);
    if (known) return known.timelineSet;
    let root = room.findEventById(threadId);
    if (!root) {
      root = client().getEventMapper()(await client().fetchRoomEvent(room.roomId, threadId));
      await client().decryptEventIfNeeded(root);
    }
    return room.createThread(threadId, root, [], true).timelineSet;
  }

  /** A gap in what the server sent: the live timeline began anew. */
  private async afterReset(): Promise<void> {
    const first = this.view.messages[0]?.id;
    if (this.following) await this.load(undefined, this.view.target, this.view.unreadAfter);
    else if (first !== undefined && this.set?.getTimelineForEvent(first) === null) await this.openAt(first, false);
  }

  /** Loads what is older or newer. False when there was nothing to do. */
  async more(direction: Direction): Promise<boolean> {
    const { window } = this;
    if (window === null || this.busy[direction] === true || !window.canPaginate(direction)) return false;
    this.busy[direction] = true;
    try {
      await window.paginate(direction, step);
      if (window !== this.window) return false;
      if (direction === Direction.Forward && !window.canPaginate(Direction.Forward)) this.following = true;
      this.refresh();
      return true;
    } catch {
      return false; // asked again at the next scroll
    } finally {
      this.busy[direction] = false;
    }
  }

  older = (): Promise<boolean> => this.more(Direction.Backward);
  newer = (): Promise<boolean> => this.more(Direction.Forward);

  /** Lets go of what is older than one message and newer than another; they themselves stay. */
  trim(firstId: string | null, lastId: string | null): void {
    const { window } = this;
    if (window === null) return;
    const events = window.getEvents();
    const first = firstId === null ? -1 : events.findIndex((e) => e.getId() === firstId);
    const last = lastId === null ? -1 : events.findIndex((e) => e.getId() === lastId);
    if (last >= 0 && last < events.length - 1) {
      window.unpaginate(events.length - 1 - last, false);
      this.following = false;
    }
    if (first > 0) window.unpaginate(first, true);
    if (first > 0 || last >= 0) this.refresh();
  }

  /** Draws the line of unread messages after this one: what arrives from now on was not seen. */
  markUnreadAfter(id: string | null): void {
    if (this.view.unreadAfter !== id) this.publish({ ...this.view, unreadAfter: id });
  }

  /** The newest event that the timeline holds, for receipts: it need not be one that is shown. */
  lastEvent(): MatrixEvent | null {
    return this.window?.getEvents().at(-1) ?? null;
  }

  event(id: string): MatrixEvent | null {
    return this.window?.getEvents().find((e) => e.getId() === id) ?? null;
  }

  private refresh(): void {
    const { window, room } = this;
    if (window === null || room === null) return;
    if (this.following) while (window.extend(Direction.Forward, 500));
    const live = this.following;
    clearTimeout(this.expiry);
    const wait = untilExpired(window.getEvents(), roomMaxAge(this.place.roomId));
    if (wait !== null && this.listeners.size > 0) this.expiry = setTimeout(() => this.refresh(), wait);
    const atStart = !window.canPaginate(Direction.Backward);
    const messages = this.list.of(room, this.place.threadId, window.getEvents(), { live, atStart });
    const old = this.view;
    const unchanged = messages.length === old.messages.length && messages.every((m, i) => m === old.messages[i]);
    this.publish({
      ...old,
      messages: unchanged ? old.messages : messages,
      live,
      older: window.canPaginate(Direction.Backward),
      newer: !live && window.canPaginate(Direction.Forward),
    });
  }

  private publish(view: TimelineView): void {
    if (same({ ...view, messages: null }, { ...this.view, messages: null }) && view.messages === this.view.messages && view.target === this.view.target) return;
    this.view = view;
    for (const l of this.listeners) l();
  }
}
