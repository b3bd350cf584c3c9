import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { formatter } from "@/ui/when.ts";
import classes from "./Admin.module.css";

interface Props {
  label: string;
  /** Days as YYYY-MM-DD, UTC. */
  days: string[];
  values: number[];
  language: string;
}

/** A curve over days. The numbers are in a table for those who do not see it, made by the caller. */
export function Chart({ label, days, values, language }: Props) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const at = box.current;
    if (at === null) return undefined;
    const style = getComputedStyle(document.documentElement);
    const color = (name: string) => style.getPropertyValue(name).trim();
    // The variables of our own are light-dark(): the browser resolves them on an element.
    const resolved = (name: string) => {
      at.style.color = `var(${name})`;
      const value = getComputedStyle(at).color;
      at.style.color = "";
      return value;
    };
    const line = color("--mantine-primary-color-filled") || "#1f6f68";
    const [quiet, grid] = [resolved("--quiet"), resolved("--line")];
    const day = formatter(language, { day: "numeric", month: "short", timeZone: "UTC" });
    const number = new Intl.NumberFormat(language);
    const axis = { stroke: quiet, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 } };
    const chart = new uPlot(
      {
        width: at.clientWidth,
        height: 240,
        cursor: { points: { size: 8 } },
        legend: { show: false },
        scales: { x: { time: true }, y: { range: (_u, _min, max) => [0, Math.max(5, max * 1.1)] } },
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "UTC"),
        axes: [
          { ...axis, values: (_u, ticks) => ticks.map((s) => day.format(s * 1000)) },
          { ...axis, size: 60, values: (_u, ticks) => ticks.map((n) => number.format(n)) },
        ],
        series: [{}, { label, stroke: line, width: 2, fill: `${line}22`, points: { show: values.length < 40, size: 5, stroke: line, fill: line } }],
      },
      [days.map((d) => Date.parse(`${d}T00:00:00Z`) / 1000), values],
      at,
    );
    const watch = new ResizeObserver(() => chart.setSize({ width: at.clientWidth, height: 240 }));
    watch.observe(at);
    return () => {
      watch.disconnect();
      chart.destroy();
    };
  }, [label, days, values, language]);
  return <div ref={box} className={classes.chart} role="img" aria-label={label} />;
}
