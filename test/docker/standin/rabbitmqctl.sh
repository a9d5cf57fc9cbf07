#!/bin/sh
# Debian's RabbitMQ is a 3.x: it has no limit of deliveries by default, and does not take -1 for none.
case " $* " in *' set_policy dead-letters '*) exit 0 ;; esac
exec /usr/sbin/rabbitmqctl "$@"
