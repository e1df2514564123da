"""The verb for whoever sits at the machine and cannot sign in: `mynah password`."""

from __future__ import annotations

from getpass import getpass

from argon2 import PasswordHasher

from mynah import store
from mynah.errors import UserError
from mynah.progress import console
from mynah.server.weak_passwords import weakness
from mynah.store import access
from mynah.store.people import change_user
from mynah.verbs.keep import HERE, Kept


def password(email: str, *, kept: Kept = HERE) -> None:
    """Give an account a new password, which is asked for here, and sign it out everywhere.

    ```
    mynah password ada@example.org
    ```

    Parameters
    ----------
    email
        The account's address.
    """
    db = kept.existing()
    with db.reading() as tx:
        row = store.find_user(tx, email=email)
    if row is None or not row.password_hash:
        raise UserError(f"{email}: no account here has this address.")
    new = getpass("New password: ")
    if problem := weakness(new, row.name or "", row.email):
        raise UserError(f"The password {problem}; nothing was changed.")
    if getpass("Again: ") != new:
        raise UserError("The two are not the same; nothing was changed.")
    with db.writing() as tx:
        change_user(tx, row.id, password_hash=PasswordHasher().hash(new))
        access.end_sessions(tx, row.id)
        store.note(tx, None, "person.password", row.id)
    console.print(f"{email} signs in with the new password.", highlight=False)
