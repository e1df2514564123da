// People and invites: who is here, in which role; a link for who is to come, shown once.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import {
  changePerson,
  fetchInvites,
  fetchPeople,
  type Member,
  makeInvite,
  type NewInvite,
  type OpenInvite,
  withdrawInvite,
} from "../../api/people";
import type { Role } from "../../api/session";
import { useSession } from "../../app/session";
import { Button } from "../../parts/button";
import { Confirm } from "../../parts/confirm";
import { Dialog } from "../../parts/dialog";
import { SelectField, TextField } from "../../parts/field";
import { useFormat } from "../../parts/format";
import { Secret } from "../../parts/secret";
import { Part } from "../../parts/sections";
import { errorText, Failed, Loading } from "../../parts/states";
import { Table } from "../../parts/table";
import { Tag } from "../../parts/tag";
import { toast } from "../../parts/toast";
import styles from "./admin.module.css";

const ROLES: Role[] = ["user", "labeller", "admin"];
const DAYS = [1, 7, 30];

export function People() {
  const { t } = useTranslation("admin");
  const session = useSession();
  const people = useQuery({ queryKey: ["people"], queryFn: fetchPeople });
  const invites = useQuery({ queryKey: ["invites"], queryFn: fetchInvites });
  const [inviting, setInviting] = useState(false);
  if (session && !session.accounts)
    return (
      <Part title={t("pages.people")} about={t("noAccounts")}>
        <code className={styles.command}>mynah serve</code>
      </Part>
    );
  return (
    <>
      <Part
        title={t("pages.people")}
        about={t("rolesAbout")}
        aside={
          <Button kind="primary" icon="plus" onClick={() => setInviting(true)}>
            {t("invite")}
          </Button>
        }
      >
        {people.error ? (
          <Failed error={people.error} onRetry={() => void people.refetch()} />
        ) : !people.data ? (
          <Loading />
        ) : (
          <PeopleTable people={people.data.items} me={session?.user?.id ?? ""} />
        )}
      </Part>
      {invites.data && invites.data.items.length > 0 && (
        <Part title={t("openInvites")} about={t("openInvitesAbout")}>
          <InviteTable invites={invites.data.items} />
        </Part>
      )}
      {inviting && <InviteDialog onClose={() => setInviting(false)} />}
    </>
  );
}

function PeopleTable({ people, me }: { people: Member[]; me: string }) {
  const { t } = useTranslation("admin");
  const format = useFormat();
  const queries = useQueryClient();
  const [disabling, setDisabling] = useState<Member | null>(null);
  const [renewing, setRenewing] = useState<Member | null>(null);
  const change = useMutation({
    mutationFn: ({ id, ...to }: { id: string; role?: Role; disabled?: boolean }) => changePerson(id, to),
    onSettled: () => queries.invalidateQueries({ queryKey: ["people"] }),
    onError: (error) => toast(errorText(error, t("common:offlineHint")), { bad: true }),
  });
  return (
    <>
      <Table
        caption={t("pages.people")}
        rows={people}
        rowKey={(person) => person.id}
        columns={[
          {
            head: t("name"),
            cell: (person) => (
              <>
                {person.name} {person.id === me && <Tag>{t("you")}</Tag>}
                {person.disabled && <Tag kind="bad">{t("disabled")}</Tag>}
              </>
            ),
          },
          { head: t("email"), cell: (person) => person.email || t("elsewhere") },
          {
            head: t("role"),
            cell: (person) =>
              !person.email ? (
                t(`roles.${person.role}`)
              ) : (
                <select
                  className={styles.select}
                  aria-label={t("roleOf", { name: person.name })}
                  value={person.role}
                  disabled={change.isPending}
                  onChange={(event) => change.mutate({ id: person.id, role: event.target.value as Role })}
                >
                  {ROLES.map((role) => (
                    <option key={role} value={role}>
                      {t(`roles.${role}`)}
                    </option>
                  ))}
                </select>
              ),
          },
          {
            head: t("password"),
            cell: (person) =>
              person.id !== me &&
              person.email && (
                <Button
                  kind="quiet"
                  onClick={() => setRenewing(person)}
                  aria-label={t("newPasswordFor", { name: person.name })}
                >
                  {t("newPassword")}
                </Button>
              ),
          },
          { head: t("since"), cell: (person) => format.day(person.created_at) },
          {
            head: t("access"),
            cell: (person) =>
              person.disabled ? (
                <Button
                  kind="quiet"
                  onClick={() => change.mutate({ id: person.id, disabled: false })}
                  aria-label={t("enablePerson", { name: person.name })}
                >
                  {t("enable")}
                </Button>
              ) : (
                <Button
                  kind="quiet"
                  onClick={() => setDisabling(person)}
                  aria-label={t("disablePerson", { name: person.name })}
                >
                  {t("disable")}
                </Button>
              ),
          },
        ]}
      />
      {renewing && <NewPassword person={renewing} onClose={() => setRenewing(null)} />}
      {disabling && (
        <Confirm
          title={t("disablePerson", { name: disabling.name })}
          action={t("disable")}
          danger
          onConfirm={async () => {
            await changePerson(disabling.id, { disabled: true });
            await queries.invalidateQueries({ queryKey: ["people"] });
          }}
          onClose={() => setDisabling(null)}
        >
          <p>{t("disableAbout")}</p>
        </Confirm>
      )}
    </>
  );
}

/** For somebody who lost theirs: the admin says it to them, and they choose another. */
function NewPassword({ person, onClose }: { person: Member; onClose: () => void }) {
  const { t } = useTranslation("admin");
  const [password, setPassword] = useState("");
  return (
    <Confirm
      title={t("newPasswordFor", { name: person.name })}
      action={t("common:save")}
      blocked={!password}
      onClose={onClose}
      onConfirm={async () => {
        await changePerson(person.id, { password });
        toast(t("saved"));
      }}
    >
      <p>{t("newPasswordAbout")}</p>
      <TextField
        label={t("newPassword")}
        autoComplete="off"
        maxLength={500}
        value={password}
        onChange={(event) => setPassword(event.target.value)}
      />
    </Confirm>
  );
}

function InviteTable({ invites }: { invites: OpenInvite[] }) {
  const { t } = useTranslation("admin");
  const format = useFormat();
  const queries = useQueryClient();
  const withdraw = useMutation({
    mutationFn: withdrawInvite,
    onSettled: () => queries.invalidateQueries({ queryKey: ["invites"] }),
    onError: (error) => toast(errorText(error, t("common:offlineHint")), { bad: true }),
  });
  return (
    <Table
      caption={t("openInvites")}
      rows={invites}
      rowKey={(invite) => invite.id}
      columns={[
        { head: t("note"), cell: (invite) => invite.note || "–" },
        { head: t("role"), cell: (invite) => t(`roles.${invite.role}`) },
        { head: t("expires"), cell: (invite) => format.time(invite.expires_at) },
        {
          head: t("withdrawHead"),
          cell: (invite) => (
            <Button
              kind="quiet"
              onClick={() => withdraw.mutate(invite.id)}
              aria-label={t("withdrawInvite", { note: invite.note || t(`roles.${invite.role}`) })}
            >
              {t("withdraw")}
            </Button>
          ),
        },
      ]}
    />
  );
}

function InviteDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation("admin");
  const format = useFormat();
  const queries = useQueryClient();
  const [role, setRole] = useState<Role>("user");
  const [note, setNote] = useState("");
  const [days, setDays] = useState(7);
  const [made, setMade] = useState<NewInvite | null>(null);
  const make = useMutation({
    mutationFn: () => makeInvite({ role, note: note.trim(), days }),
    onSuccess: (invite) => {
      setMade(invite);
      void queries.invalidateQueries({ queryKey: ["invites"] });
    },
  });
  if (made)
    return (
      <Dialog title={t("inviteMade")} onClose={onClose} actions={<Button onClick={onClose}>{t("done")}</Button>}>
        <p>{t("inviteOnce", { until: format.time(made.expires_at) })}</p>
        <Secret label={t("inviteLink")} value={made.url} />
      </Dialog>
    );
  return (
    <Dialog
      title={t("invite")}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t("common:cancel")}</Button>
          <Button kind="primary" busy={make.isPending} onClick={() => make.mutate()}>
            {t("makeLink")}
          </Button>
        </>
      }
    >
      <form
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault();
          make.mutate();
        }}
      >
        <SelectField
          label={t("role")}
          value={role}
          hint={t(`roleHints.${role}`)}
          onChange={(e) => setRole(e.target.value as Role)}
        >
          {ROLES.map((one) => (
            <option key={one} value={one}>
              {t(`roles.${one}`)}
            </option>
          ))}
        </SelectField>
        <TextField
          label={t("note")}
          hint={t("noteHint")}
          value={note}
          maxLength={500}
          onChange={(event) => setNote(event.target.value)}
        />
        <SelectField label={t("opensFor")} value={days} onChange={(event) => setDays(Number(event.target.value))}>
          {DAYS.map((count) => (
            <option key={count} value={count}>
              {t("days", { count })}
            </option>
          ))}
        </SelectField>
        {make.error && (
          <p role="alert" className={styles.error}>
            {errorText(make.error, t("common:offlineHint"))}
          </p>
        )}
      </form>
    </Dialog>
  );
}
