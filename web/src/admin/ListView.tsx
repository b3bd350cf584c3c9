import { Alert, Button, EmptyState, Group, Skeleton, Stack, Table, Text, UnstyledButton } from "@mantine/core";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { errorText } from "@/ui/act.ts";
import { Icon, type IconName } from "@/ui/Icon.tsx";
import classes from "./Admin.module.css";
import type { useList } from "./useList.ts";

export interface Column<T> {
  key: string;
  title: string;
  cell: (row: T) => ReactNode;
  /** What the API calls it as an order. */
  order?: string;
  number?: boolean;
}

interface Props<T> {
  label: string;
  list: Omit<ReturnType<typeof useList<T>>, "rows"> & { rows: T[] };
  columns: Column<T>[];
  id: (row: T) => string;
  order: string;
  onOrder: (order: string) => void;
  empty: { icon: IconName; title: string; text: string };
}

/** A list of the API as a table; on a phone each row is a card. */
export function ListView<T>({ label, list, columns, id, order, onOrder, empty }: Props<T>) {
  const { t } = useTranslation("admin");
  if (list.error) {
    return (
      <Alert color="red" role="alert" title={t("list.failed")}>
        <Stack align="flex-start" gap="xs">
          {errorText(list.error)}
          <Button size="xs" variant="default" onClick={list.again}>
            {t("list.again")}
          </Button>
        </Stack>
      </Alert>
    );
  }
  if (list.loading) {
    return (
      <Stack gap="xs" aria-label={t("loading")} role="status">
        {[1, 2, 3, 4, 5].map((n) => (
          <Skeleton key={n} height={44} />
        ))}
      </Stack>
    );
  }
  if (list.rows.length === 0) return <EmptyState icon={<Icon name={empty.icon} size={40} />} title={empty.title} description={empty.text} py="xl" />;
  return (
    <>
      <div className={classes.scroll} tabIndex={0} role="region" aria-label={label}>
        <Table className={classes.table} verticalSpacing="sm" aria-label={label}>
          <Table.Thead>
            <Table.Tr>
              {columns.map((c) => (
                <Head key={c.key} column={c} order={order} onOrder={onOrder} />
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {list.rows.map((row) => (
              <Table.Tr key={id(row)}>
                {columns.map((c) => (
                  <Table.Td key={c.key} data-title={c.title} data-number={c.number ? "" : undefined}>
                    {c.cell(row)}
                  </Table.Td>
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </div>
      <Group justify="space-between" mt="sm">
        <Text size="sm" c="var(--quiet)" role="status">
          {t("list.shown", { shown: list.rows.length, total: list.total })}
        </Text>
        {list.more && (
          <Button variant="default" loading={list.loadingMore} onClick={list.more}>
            {t("list.more")}
          </Button>
        )}
      </Group>
    </>
  );
}

function Head<T>({ column, order, onOrder }: { column: Column<T>; order: string; onOrder: (order: string) => void }) {
  const key = column.order;
  if (key === undefined) return <Table.Th data-number={column.number ? "" : undefined}>{column.title}</Table.Th>;
  const up = order === key;
  const down = order === `-${key}`;
  return (
    <Table.Th aria-sort={up ? "ascending" : down ? "descending" : "none"} data-number={column.number ? "" : undefined}>
      <UnstyledButton className={classes.sort} onClick={() => onOrder(up ? `-${key}` : key)}>
        {column.title}
        <span aria-hidden style={{ opacity: up || down ? 1 : 0 }}>
          {down ? "↓" : "↑"}
        </span>
      </UnstyledButton>
    </Table.Th>
  );
}
