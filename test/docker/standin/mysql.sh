#!/bin/bash
# What docker-compose.yml asks of the image of MySQL, done by MariaDB.
set -euo pipefail
data=/var/lib/mysql
# The clients of MySQL speak TLS by themselves.
case " $* " in *' --require-secure-transport=ON '*) printf '[client]\nssl\n' >/etc/mysql/conf.d/tls.cnf ;; esac
mkdir -p /run/mysqld && chown -R mysql:mysql /run/mysqld $data
if [ ! -d $data/mysql ]; then
  mariadb-install-db --user=mysql --datadir=$data --skip-test-db --auth-root-authentication-method=normal >/dev/null
  mariadbd --user=mysql --datadir=$data --skip-networking &
  until mariadb -e 'select 1' >/dev/null 2>&1; do sleep 0.2; done
  {
    if [ -n "${MYSQL_ROOT_PASSWORD:-}" ]; then
      echo "ALTER USER root@localhost IDENTIFIED BY '$MYSQL_ROOT_PASSWORD';"
    fi
    if [ "${MYSQL_ROOT_HOST:-%}" != localhost ]; then
      echo "CREATE USER root@'${MYSQL_ROOT_HOST:-%}' IDENTIFIED BY '${MYSQL_ROOT_PASSWORD:-}';"
      echo "GRANT ALL ON *.* TO root@'${MYSQL_ROOT_HOST:-%}' WITH GRANT OPTION;"
    fi
  } | mariadb
  for f in /docker-entrypoint-initdb.d/*.sh; do if [ -e "$f" ]; then "$f"; fi; done
  mariadb-admin "-p${MYSQL_ROOT_PASSWORD:-}" shutdown
  wait
fi
exec mariadbd --user=mysql --datadir=$data --bind-address=0.0.0.0 "$@"
