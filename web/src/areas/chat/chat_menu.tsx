// What can be done with a whole conversation: rename, pin, share, delete.
import { useNavigate, useParams } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { changeConversation, deleteConversation, type Listed } from "../../api/conversations";
import { queries } from "../../app/query";
import { Button } from "../../parts/button";
import { Dialog } from "../../parts/dialog";
import { TextField } from "../../parts/field";
import { Icon } from "../../parts/icon";
import { Menu } from "../../parts/menu";
import { errorText } from "../../parts/states";
import { toast } from "../../parts/toast";
import { conversationKey, stop } from "./live";

const ShareDialog = lazy(() => import("./share"));

type Open = "rename" | "delete" | "share" | null;

type ChatMenuProps = { talk: Listed; className?: string | undefined; onFind?: () => void };

export function ChatMenu({ talk, className, onFind }: ChatMenuProps) {
  const { t } = useTranslation("chat");
  const [open, setOpen] = useState<Open>(null);
  const close = () => setOpen(null);
  const title = talk.title || t("untitled");
  const change = async (changes: Parameters<typeof changeConversation>[1]) => {
    try {
      await changeConversation(talk.id, changes);
      await Promise.all([
        queries.invalidateQueries({ queryKey: ["history"] }),
        queries.invalidateQueries({ queryKey: conversationKey(talk.id) }),
      ]);
    } catch (error) {
      toast(errorText(error, t("common:offline")), { bad: true });
    }
  };
  return (
    <>
      <Menu
        label={t("menuOf", { title })}
        button={<Icon name="more" />}
        className={className}
        items={[
          { label: t("rename"), icon: "edit", onSelect: () => setOpen("rename") },
          {
            label: talk.pinned ? t("unpin") : t("pin"),
            icon: "pin",
            onSelect: () => void change({ pinned: !talk.pinned }),
          },
          { label: t("share"), icon: "share", onSelect: () => setOpen("share") },
          ...(onFind ? [{ label: t("find"), icon: "search" as const, onSelect: onFind }] : []),
          "line",
          { label: t("delete"), icon: "trash", danger: true, onSelect: () => setOpen("delete") },
        ]}
      />
      {open === "rename" && <Rename title={talk.title} onClose={close} onRename={(to) => void change({ title: to })} />}
      {open === "delete" && <Delete id={talk.id} title={title} onClose={close} />}
      {open === "share" && (
        <Suspense>
          <ShareDialog conversation={talk.id} onClose={close} />
        </Suspense>
      )}
    </>
  );
}

type RenameProps = { title: string; onClose: () => void; onRename: (title: string) => void };

function Rename({ title, onClose, onRename }: RenameProps) {
  const { t } = useTranslation("chat");
  const [typed, setTyped] = useState(title);
  return (
    <Dialog
      title={t("rename")}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t("common:cancel")}</Button>
          <Button kind="primary" type="submit" form="rename">
            {t("common:save")}
          </Button>
        </>
      }
    >
      <form
        id="rename"
        onSubmit={(event) => {
          event.preventDefault();
          onRename(typed);
          onClose();
        }}
      >
        <TextField
          label={t("title")}
          value={typed}
          maxLength={200}
          onFocus={(event) => event.target.select()}
          onChange={(event) => setTyped(event.target.value)}
        />
      </form>
    </Dialog>
  );
}

function Delete({ id, title, onClose }: { id: string; title: string; onClose: () => void }) {
  const { t } = useTranslation("chat");
  const navigate = useNavigate();
  const here = useParams({ strict: false, select: (params) => params.id });
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const act = async () => {
    setBusy(true);
    try {
      stop(id);
      await deleteConversation(id);
      onClose();
      if (here === id) await navigate({ to: "/" });
      queries.removeQueries({ queryKey: conversationKey(id) });
      await queries.invalidateQueries({ queryKey: ["history"] });
      toast(t("deleted"));
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={t("deleteTitle")}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t("common:cancel")}</Button>
          <Button kind="danger" busy={busy} onClick={() => void act()}>
            {t("delete")}
          </Button>
        </>
      }
    >
      <p>{t("deleteText", { title })}</p>
      {error !== undefined && <p role="alert">{errorText(error, t("common:offlineHint"))}</p>}
    </Dialog>
  );
}
