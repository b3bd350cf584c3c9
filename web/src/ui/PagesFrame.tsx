import { ActionIcon, Title } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { type ReactNode, useEffect, useRef } from "react";
import { Icon, type IconName } from "./Icon.tsx";
import classes from "./PagesFrame.module.css";

interface Props {
  title: string;
  back: string;
  toList: string;
  /** The address of the list; those of the pages are below it. */
  base: "/settings" | "/admin";
  pages: { name: string; icon: IconName; title: string; group?: boolean | undefined }[];
  /** The name of the shown page, and whether its address says so: on a phone the list is shown otherwise. */
  shown: string;
  chosen: boolean;
  heading: string;
  /** The way back from what lies below a page, in place of the list. */
  above?: { href: string; label: string } | undefined;
  more?: ReactNode;
  wide?: boolean;
  children: ReactNode;
}

/** Pages beside their list; on a phone first the list, then the page. */
export function PagesFrame({ title, back, toList, base, pages, shown, chosen, heading, above, more, wide = false, children }: Props) {
  const head = useRef<HTMLHeadingElement>(null);
  const first = useRef(true);
  useEffect(() => {
    if (!first.current) head.current?.focus();
    first.current = false;
  }, [heading]);
  return (
    <div className={classes.page} data-open={chosen ? "" : undefined}>
      <nav className={classes.nav} aria-label={title}>
        <div className={classes.head}>
          <ActionIcon variant="subtle" color="gray" size="lg" aria-label={back} renderRoot={(props) => <Link to="/" {...props} />}>
            <Icon name="back" size={20} />
          </ActionIcon>
          <Title order={2} size="h3">
            {title}
          </Title>
        </div>
        <ul className={classes.items}>
          {pages.map((p) => {
            const active = p.name === shown && chosen;
            return (
              <li key={p.name} className={p.group ? classes.group : undefined}>
                <Link to={`${base}/$page`} params={{ page: p.name }} className={classes.item} data-active={p.name === shown ? "" : undefined} aria-current={active ? "page" : undefined}>
                  <Icon name={p.icon} size={20} />
                  {p.title}
                </Link>
              </li>
            );
          })}
          {more}
        </ul>
      </nav>
      <main className={classes.content} key={heading}>
        <div className={classes.column} data-wide={wide ? "" : undefined}>
          <div className={classes.title}>
            <ActionIcon
              className={above ? undefined : (classes.back ?? "")}
              variant="subtle"
              color="gray"
              size="lg"
              aria-label={above?.label ?? toList}
              renderRoot={(props) => <Link to={(above?.href ?? base) as "/"} {...props} />}
            >
              <Icon name="back" size={20} />
            </ActionIcon>
            <Title order={1} size="h2" ref={head} tabIndex={-1} style={{ outline: "none" }}>
              {heading}
            </Title>
          </div>
          {children}
        </div>
      </main>
    </div>
  );
}

/** One more line of the list: a way to elsewhere. */
export function PagesLink({ to, icon, title }: { to: "/settings" | "/admin"; icon: IconName; title: string }) {
  return (
    <li className={classes.group}>
      <Link to={to} className={classes.item}>
        <Icon name={icon} size={20} />
        {title}
      </Link>
    </li>
  );
}
