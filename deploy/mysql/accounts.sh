#!/bin/sh
# Makes an account for each schema, so that who gets at one service gets at its tables and no others:
#   <prefix><service>   all rights on the schema of the same name, which the service creates itself
#   <prefix>admin       all rights on all of them: migrate, audit, restore
#   <prefix>backup      reads all of them
#   <prefix>exporter    no rights: sees the server's state only
# What exists gets the password of now. The image of MySQL runs it when its volume is empty; again, in a container:
#   docker compose exec -T mysql sh /docker-entrypoint-initdb.d/accounts.sh
#
#   DB_PASSWORD_USER, …   the passwords, letters and digits; all of them are needed
#   SCHEMA_PREFIX         db.schema_prefix, default tiktok_
#   MYSQL_OPTIONS         an option file with host, user and password of an account that may do this, for another server;
#                         without it root of this container, with MYSQL_ROOT_PASSWORD
#   accounts.sh print     shows the statements instead

statements() (
  set -eu
  prefix=${SCHEMA_PREFIX:-tiktok_}
  case $prefix in *[!a-z0-9_]*) echo "accounts: SCHEMA_PREFIX may hold a-z, 0-9 and _" >&2 && exit 1 ;; esac
  # In the name of a schema _ stands for any character.
  pattern=$(printf '%s' "$prefix" | sed 's/_/\\_/g')
  # generated services by go run ./deploy/generate
  services='USER VIDEO INTERACTION SOCIAL CHAT NOTICE DISCOVERY'
  # end services
  for name in $services ADMIN BACKUP EXPORTER; do
    eval "password=\${DB_PASSWORD_$name:-}"
    # shellcheck disable=SC2154 # eval sets it
    case $password in
      '') echo "accounts: DB_PASSWORD_$name is not set" >&2 && exit 1 ;;
      *[!A-Za-z0-9]*) echo "accounts: DB_PASSWORD_$name may hold letters and digits only" >&2 && exit 1 ;;
    esac
    lower=$(printf '%s' "$name" | tr '[:upper:]' '[:lower:]')
    account="'$prefix$lower'@'%'"
    echo "CREATE USER IF NOT EXISTS $account IDENTIFIED BY '$password';"
    echo "ALTER USER $account IDENTIFIED BY '$password';"
    case $name in
      ADMIN) echo "GRANT ALL PRIVILEGES ON \`$pattern%\`.* TO $account;" ;;
      BACKUP) echo "GRANT SELECT, SHOW VIEW, TRIGGER, LOCK TABLES ON \`$pattern%\`.* TO $account;" ;;
      EXPORTER) ;;
      *) echo "GRANT ALL PRIVILEGES ON \`$pattern$lower\`.* TO $account;" ;;
    esac
  done
)

# The image reads a script into its own shell when the file is not executable: no exit, no set, no shift here.
if [ "${1:-}" = print ]; then
  statements
elif sql=$(statements); then
  if [ -n "${MYSQL_OPTIONS:-}" ]; then
    printf '%s\n' "$sql" | mysql "--defaults-extra-file=$MYSQL_OPTIONS"
  else
    printf '%s\n' "$sql" | MYSQL_PWD=$MYSQL_ROOT_PASSWORD mysql -uroot
  fi
else
  false
fi
