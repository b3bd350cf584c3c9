import { ActionIcon, Button, Checkbox, Code, CopyButton, Group, Text, TextInput } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { erase } from "@/matrix/client.ts";
import { endEverywhere } from "@/matrix/devices.ts";
import { deactivateAccount, useAbilities, useProfile, useServer } from "@/matrix/profile.ts";
import { SignOutDialog } from "@/signin/SignOutDialog.tsx";
import { useAct } from "@/ui/act.ts";
import { Icon } from "@/ui/Icon.tsx";
import { ConfirmPassword } from "./ConfirmPassword.tsx";
import { EmailSection } from "./EmailSection.tsx";
import { EndEverywhere } from "./EndEverywhere.tsx";
import { PasswordSection } from "./PasswordSection.tsx";
import { Row, Section } from "./Section.tsx";

export function AccountPage() {
  const { t } = useTranslation("settings");
  const userId = useProfile().data?.userId ?? "";
  const server = useServer().data;
  const can = useAbilities().data;
  return (
    <>
      <Section title={t("account.who")}>
        <Row label={t("account.userId")} text={t("account.userIdText")}>
          <Group gap={4}>
            <Code>{userId}</Code>
            <CopyButton value={userId}>
              {({ copied, copy }) => (
                <ActionIcon variant="subtle" color="gray" aria-label={copied ? t("copied") : t("account.copyId")} onClick={copy}>
                  <Icon name={copied ? "check" : "copy"} size={18} />
                </ActionIcon>
              )}
            </CopyButton>
          </Group>
        </Row>
        <Row label={t("account.server")}>
          <Text>{server?.name}</Text>
        </Row>
        {server?.support.map((s) => (
          <Row key={s.email + s.userId} label={s.role === "m.role.security" ? t("account.security") : t("account.help")}>
            <Text>{[s.email, s.userId].filter(Boolean).join(", ")}</Text>
          </Row>
        ))}
      </Section>
      {can?.password && <PasswordSection />}
      {can?.emails && <EmailSection />}
      <Leaving userId={userId} />
    </>
  );
}

function Leaving({ userId }: { userId: string }) {
  const { t } = useTranslation("settings");
  const { busy, act } = useAct();
  const [asked, setAsked] = useState<"out" | "everywhere" | "deactivate" | null>(null);
  const [typed, setTyped] = useState("");
  const [eraseAll, setEraseAll] = useState(false);
  const close = () => {
    setAsked(null);
    setTyped("");
  };
  const name = userId.slice(1).split(":")[0] ?? "";
  return (
    <Section title={t("leave.title")}>
      <Row label={t("leave.out")} text={t("leave.outText")}>
        <Button variant="default" onClick={() => setAsked("out")}>
          {t("leave.out")}
        </Button>
      </Row>
      <Row label={t("leave.everywhere")} text={t("leave.everywhereText")}>
        <Button variant="default" onClick={() => setAsked("everywhere")}>
          {t("leave.everywhere")}
        </Button>
      </Row>
      <Row label={t("leave.deactivate")} text={t("leave.deactivateText")}>
        <Button variant="outline" color="red" onClick={() => setAsked("deactivate")}>
          {t("leave.deactivateDots")}
        </Button>
      </Row>
      <SignOutDialog opened={asked === "out"} onClose={close} />
      {asked === "everywhere" && (
        <EndEverywhere
          title={t("leave.everywhere")}
          busy={busy}
          onClose={close}
          act={() =>
            void act(async () => {
              await endEverywhere();
              await erase("signed-out");
            })
          }
        />
      )}
      {asked === "deactivate" && (
        <ConfirmPassword
          title={t("leave.deactivate")}
          text={t("leave.deactivateWarning")}
          action={t("leave.deactivate")}
          danger
          ready={typed.trim() === name}
          onClose={close}
          act={async (password) => {
            await deactivateAccount(password, eraseAll);
            await erase("signed-out");
          }}
        >
          <Checkbox label={t("leave.erase")} checked={eraseAll} onChange={(e) => setEraseAll(e.currentTarget.checked)} />
          <TextInput label={t("leave.type", { name })} value={typed} autoComplete="off" onChange={(e) => setTyped(e.currentTarget.value)} />
        </ConfirmPassword>
      )}
    </Section>
  );
}
