#!/usr/bin/env bash
set -euo pipefail
. "$CLIENTS/lib/common.sh"
apt_install java default-jdk-headless
apt_install mvn maven
driver=$CACHE/java/postgresql-42.7.4.jar
[ -f "$driver" ] || mvn -q org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy \
    -Dartifact=org.postgresql:postgresql:42.7.4 -DoutputDirectory="$CACHE/java"
exec java -cp "$driver" Test.java
