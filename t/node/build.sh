#!/bin/sh
# Compiles the nodes' and the demo client's Java: build.sh <outdir>
#
#   outdir/node.jar     the nodes' classes
#   outdir/webapp/      what a node serves, lib/democlient.jar included
#   outdir/classpath    one line: node.jar and Tomcat's jars
#
# Does nothing where the output is newer than the sources. Several may run at
# once. TOMCAT_JARS: folder of Debian's libtomcat10-java jars.
set -eu

out=${1:?usage: build.sh outdir}
here=$(cd "$(dirname "$0")" && pwd)
client=$(cd "$here/../client" && pwd)
jars=${TOMCAT_JARS:-/usr/share/java}
mkdir -p "$out"
out=$(cd "$out" && pwd)

exec 9>"$out/.lock"
flock 9

if [ -e "$out/.built" ] &&
   [ -z "$(find "$here" "$client" "$jars/tomcat10-catalina.jar" -newer "$out/.built" -print -quit)" ]; then
    exit 0
fi

classpath=$out/node.jar
for name in catalina coyote util util-scan juli api servlet-api websocket-api \
            websocket-client-api websocket annotations-api jaspic-api jni \
            el-api jsp-api catalina-ha tribes; do
    jar=$jars/tomcat10-$name.jar
    if [ -e "$jar" ]; then
        classpath=$classpath:$jar
    fi
done

rm -rf "$out/classes" "$out/client" "$out/webapp" "$out/.built"
touch "$out/.building"
mkdir -p "$out/classes" "$out/client"
find "$here/src" -name '*.java' -exec \
    javac --release 17 -proc:none -Xlint:all,-path,-classfile -encoding UTF-8 \
    -cp "${classpath#*:}" -d "$out/classes" {} +
jar --create --file "$out/node.jar" -C "$out/classes" .
printf '%s\n' "$classpath" >"$out/classpath"

cp -R "$here/webapp" "$out/webapp"
mkdir -p "$out/webapp/lib"
find "$client/src" -name '*.java' -exec \
    javac --release 17 -proc:none -Xlint:all -encoding UTF-8 -d "$out/client" {} +
printf '%s\n' 'Permissions: all-permissions' 'Codebase: *' 'Application-Name: demo client' \
    'Application-Library-Allowable-Codebase: *' >"$out/client.mf"
jar --create --file "$out/webapp/lib/democlient.jar" --manifest "$out/client.mf" -C "$out/client" .

# Java Web Start gives a client its codebase only where all its classes are
# signed; by whom does not matter under javaws -Xtrustall.
rm -f "$out/keystore"
keytool -genkeypair -keystore "$out/keystore" -storepass throwaway -alias demo \
    -keyalg RSA -keysize 2048 -dname CN=demo -validity 3650 2>"$out/sign.log"
jarsigner -keystore "$out/keystore" -storepass throwaway \
    "$out/webapp/lib/democlient.jar" demo >>"$out/sign.log" || { cat "$out/sign.log"; exit 1; }

mv "$out/.building" "$out/.built"
