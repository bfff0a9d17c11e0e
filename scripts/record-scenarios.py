#!/usr/bin/env python3
"""Records protocol scenarios from a PostgreSQL 16 into tests/fixtures/postgresql16/more_scenarios.json.

    scripts/record-scenarios.py [PORT]     a server on 127.0.0.1 that trusts role and database `postgres`

A scenario is a name and steps; a step is bytes to send, and the type and number of the message that ends
the answer. `tests/wire/scenarios.rs` plays the file and compares every message.
"""
import json
import pathlib
import socket
import struct
import sys

port = int(sys.argv[1]) if len(sys.argv) > 1 else 5432


def m(kind, body=b""):
    return kind.encode() + struct.pack("!i", len(body) + 4) + body


def z(text):
    return (text if isinstance(text, bytes) else text.encode()) + b"\0"


def Q(sql):
    return m("Q", z(sql))


def P(sql, name="", oids=()):
    return m("P", z(name) + z(sql) + struct.pack("!h", len(oids)) + b"".join(struct.pack("!I", o) for o in oids))


def B(values=(), po="", st="", pf=(), rf=()):
    body = z(po) + z(st) + struct.pack("!h", len(pf)) + b"".join(struct.pack("!h", f) for f in pf)
    body += struct.pack("!h", len(values))
    for value in values:
        body += struct.pack("!i", -1) if value is None else struct.pack("!i", len(value)) + value
    return m("B", body + struct.pack("!h", len(rf)) + b"".join(struct.pack("!h", f) for f in rf))


def D(kind, name=""):
    return m("D", kind.encode() + z(name))


def E(rows=0, po=""):
    return m("E", z(po) + struct.pack("!i", rows))


def X(kind, name=""):
    return m("C", kind.encode() + z(name))


S, H = m("S"), m("H")
i2=lambda x:struct.pack('!h',x); i4=lambda x:struct.pack('!i',x); i8=lambda x:struct.pack('!q',x)
f8=lambda x:struct.pack('!d',x)
SC=[]
def s(name,*steps,params=None): SC.append((name,steps,params))
def z1(*b): return (b''.join(b),'Z',1)
def q(*texts): return [z1(Q(t)) for t in texts]
d=lambda x: m('d',x if isinstance(x,bytes) else x.encode())
done=m('c'); fail=lambda why='x': m('f',z(why))
# startup
s('startup replication', z1(Q('select 1')), params={'replication':'off'})
s('startup bad guc value', z1(Q('select 1')), params={'statement_timeout':'abc'})
s('startup guc', *q('show statement_timeout','show search_path'), params={'statement_timeout':'1500','search_path':'pg_catalog'})
s('startup bad option', z1(Q('select 1')), params={'options':'-c nosuch=1'})
s('startup client encoding quoted', *q('show client_encoding'), params={'client_encoding':"'utf-8'"})
# simple queries
s('transaction modes', *q('begin isolation level repeatable read','show transaction_isolation','commit','begin read only','create temp table ro(a int)','show transaction_read_only','rollback','start transaction isolation level read committed, read write','show transaction_read_only','rollback','begin','set transaction isolation level serializable','show transaction_isolation','commit','begin','select 1','set transaction isolation level serializable','rollback','set session characteristics as transaction read only','show default_transaction_read_only','set session characteristics as transaction read write','set transaction read only','begin','set transaction snapshot \'x\'','rollback'))
s('chain', *q('begin isolation level serializable','commit and chain','show transaction_isolation','rollback and chain','show transaction_isolation','rollback','commit and chain','rollback and chain','begin','select nosuch','commit and chain','select 1','rollback and chain','rollback','begin','commit and no chain'))
s('savepoint more', *q('begin','savepoint a','create temp table sp1(a int)','savepoint a','insert into sp1 values(1)','rollback to savepoint a','select count(*) from sp1','release savepoint a','rollback to a','select count(*) from sp1','select 1','rollback to a','commit','savepoint x','release x','rollback to x'))
s('savepoint and set', *q('begin',"set application_name='one'",'savepoint a',"set application_name='two'",'rollback to a','show application_name','commit','show application_name','begin',"set local application_name='three'",'show application_name','commit','show application_name'))
s('failed block', *q('begin','select 1/0','select 1','show datestyle','set x.y=1','savepoint z','prepare p as select 1','deallocate p','begin','end','select 1'))
s('warnings', *q('commit','rollback','begin','begin','commit','set local application_name=z','set transaction read only','end','abort'))
s('implicit block rules', *q('select 1; begin; select 2; commit; select 3','create temp table ib(a int); insert into ib values(1); select 1/0','select * from ib','create temp table ib2(a int); begin; insert into ib2 values(1); rollback; select 1','select * from ib2','begin; savepoint a; select 1; release a; commit','savepoint a; select 1','select 1; savepoint b','select 1; rollback; select 2','select 1; commit; select 2'))
s('empty pieces', *q(' ; ; select 1;; ','select 1;','/* c */ select 1 -- x','/* /* n */ */',"select 'a;b'","select $$;$$",'select "a;b" from (select 1 as "a;b") q'))
# prepare/execute
# extended
s('describe variants', z1(P('select 1 a, null b, \'x\' c','d1'),D('S','d1'),B(po='p',st='d1',rf=(1,)),D('P','p'),D('P','p'),E(0,'p'),S), z1(D('S','d1'),S), z1(D('P','p'),S), z1(P('','e'),D('S','e'),B(po='pe',st='e'),D('P','pe'),E(0,'pe'),S), z1(m('D',b'Xfoo\0'),S), z1(m('C',b'Xfoo\0'),S))
s('flush without sync', (P('select 1')+H,'1',1), (B()+D('P')+H,'T',1), (E()+H,'C',1), z1(S), (P('select nosuch')+H,'E',1), z1(B()+E()+S))
s('close things', z1(P('select 1','a'),B(po='x',st='a'),X('P','x'),E(0,'x'),S), z1(X('S','a'),B(st='a'),S), z1(P('select 1','a'),B(po='x',st='a'),X('S','a'),E(0,'x'),S), z1(P('select 2'),X('S',''),B(),S),z1(P('select 2'),B(),X('P',''),E(),S))
s('portals across sync', z1(P('begin'),B(),E(),S),z1(P('select generate_series(1,4)','g'),B(po='a',st='g'),B(po='b',st='g'),E(1,'a'),E(3,'b'),S),z1(E(2,'a'),E(0,'b'),S),*q('select 1'),z1(E(0,'a'),S),z1(E(0,'a'),S),*q('savepoint s'),z1(B(po='c',st='g'),E(1,'c'),S),*q('rollback to s'),z1(E(1,'c'),S),*q('rollback'),z1(E(0,'a'),S))
s('max rows', z1(P('select generate_series(1,3)'),B(),E(3),S),z1(P('select generate_series(1,3)'),B(),E(4),S),z1(P('select generate_series(1,3)'),B(),E(1),E(1),E(1),E(1),E(1),S),z1(P('values (1),(2)'),B(),E(1),E(5),S),z1(P('select 1 where false'),B(),E(1),S),z1(P('show datestyle'),B(),E(1),E(1),S),z1(P('select oid from pg_class order by 1'),B(),E(1),S),z1(E(1),S))
s('execute twice', z1(P('select 1'),B(),E(),E(),S),z1(P("set application_name='t'"),B(),E(),E(),S),z1(P('create temp table et(a int)'),B(),E(),E(),S),z1(P('insert into et values(1)'),B(),E(),E(),S) )
BT=[('bool',b'\1'),('bool',b'\2'),('int2',i2(-2)),('int4',i4(7)),('int8',i8(-9)),('float4',struct.pack('!f',1.5)),('float8',f8(-0.0)),('numeric',bytes.fromhex('0002000000000002000103e8')),('text',b'hi'),('varchar',b'v'),('bpchar',b'c '),('name',b'n'),('"char"',b'a'),('bytea',b'\0\xff'),('date',i4(0)),('time',i8(3600000000)),('timetz',i8(0)+i4(-3600)),('timestamp',i8(0)),('timestamptz',i8(1)),('interval',i8(5)+i4(1)+i4(2)),('uuid',bytes(range(16))),('json',b'{"a":1}'),('jsonb',b'\1{"b":1,"a":2}'),('oid',i4(26)),('regclass',i4(1259)),('regtype',i4(23)),('xid',i4(5)),('inet',b'\2\x20\0\4\x0a\0\0\1'),('cidr',b'\2\x08\1\4\x0a\0\0\0'),('macaddr',b'\1\2\3\4\5\6'),('bit(3)',i4(3)+b'\xa0'),('varbit',i4(9)+b'\xff\x80'),('money',i8(123)),('point',f8(1)+f8(2)),('box',f8(1)+f8(2)+f8(3)+f8(4)),('circle',f8(1)+f8(2)+f8(3)),('pg_lsn',i8(255)),('int4range',b'\2'+i4(4)+i4(1)+i4(4)+i4(5)),('int4[]',i4(1)+i4(0)+i4(23)+i4(2)+i4(1)+i4(4)+i4(1)+i4(4)+i4(2)),('int4[]',i4(2)+i4(1)+i4(23)+i4(1)+i4(1)+i4(2)+i4(0)+i4(4)+i4(1)+i4(-1)),('text[]',i4(0)+i4(0)+i4(25)),('xid8',i8(8))]
s('binary parameters', *[z1(P('select $1::'+t),B([v],pf=(1,),rf=(r,)),E(),S) for t,v in BT for r in (0,1)])
s('binary parameters short', *[z1(P('select $1::'+t),B([v[:-1]],pf=(1,)),E(),S) for t,v in BT if v[:-1] and t not in('text','varchar','bpchar','name','bytea','json')])
s('text parameter errors', *[z1(P('select $1::'+t),B([v]),E(),S) for t,v in [('int4',b''),('int4',b' 5 '),('int8',b'9223372036854775808'),('float8',b'1e999'),('numeric',b'1e999999'),('numeric',b'x'),('date',b'2020-02-30'),('date',b'x'),('time',b'25:00'),('timestamptz',b'2020-01-01 00:00 Mars'),('interval',b'1 foo'),('uuid',b'1'),('json',b'{'),('jsonb',b'{"a":1,}'),('inet',b'1.2.3'),('cidr',b'1.2.3.4/8'),('macaddr',b'1'),('bit(3)',b'10'),('varbit',b'2'),('int4[]',b'{1,'),('int4[]',b'{a}'),('bytea',b'\\x1'),('bytea',b'\\xgg'),('bool',b'x'),('regclass',b'nosuch'),('regtype',b'nosuch'),('point',b'1'),('int4range',b'[2,1]'),('money',b'x'),('oid',b'-1'),('oid',b'x'),('"char"',b'ab'),('name',b'n'*70),('varchar(2)',b'abc')]])
s('null parameters', *[z1(P('select $1::'+t),B([None]),D('P'),E(),S) for t in ('int4','text','numeric','inet','int4[]','jsonb','bytea')], z1(P('select $1'),B([None]),E(),S), z1(P('select $1 is null',oids=(25,)),B([None]),E(),S), z1(P('select coalesce($1,1)'),B([None]),E(),S),z1(P('select $1=1'),B([None]),E(),S),z1(P('select case when $1 is null then 1 else 2 end',oids=(23,)),B([None]),E(),S))
s('many errors then sync', z1(P('select nosuch'),P('select 1'),B(),E(),D('P'),X('S','x'),H,S), z1(P('select 1'),B(),E(),S), z1(B(st='nosuch'),P('select 1'),B(),E(),S), z1(P('select 1/0'),B(),D('P'),E(),S), z1(P('select 1/$1::int'),B([b'0']),D('P'),E(),S))
s('sync only', z1(S), z1(H+S), z1(S), *q('begin'), z1(S), *q('select x'), z1(S), *q('rollback'), z1(S))
s('error in block extended', z1(P('begin'),B(),E(),S),z1(P('select 1/0'),B(),E(),S),z1(P('select 1'),S),z1(P('rollback'),B(),E(),S),z1(P('select 1'),B(),E(),S))
s('bind in failed block', z1(P('select 1','k'),P('rollback','rb'),S),*q('begin','select x'),z1(B(st='k'),S),z1(B(st='rb'),E(),S))
# cursors
s('fetch variants', *q('begin','declare c scroll cursor for select generate_series(1,5)','fetch next from c','fetch 0 from c','fetch relative 2 c','fetch relative -1 c','fetch first c','fetch last c','fetch absolute 3 c','fetch absolute -2 c','fetch absolute 99 c','fetch backward all c','fetch forward all c','fetch backward c','fetch -2 c','fetch all c','fetch prior c','move first c','move 2 c','fetch c','move backward all in c','move last c','move absolute 2 c','move relative 1 c','fetch forward 2 in c','fetch nosuch','commit'))
s('cursor no scroll', *q('begin','declare n no scroll cursor for select generate_series(1,3)','fetch 2 n','fetch backward 1 n','rollback','begin','declare n cursor for select generate_series(1,3)','fetch 2 n','fetch prior n','rollback','begin','declare n no scroll cursor for select 1','fetch absolute 1 n','fetch first n','rollback'))
s('cursor and savepoint', *q('begin','savepoint s','declare c cursor for select generate_series(1,4)','fetch 1 c','rollback to s','fetch 1 c','rollback','begin','declare c cursor for select generate_series(1,4)','savepoint s','fetch 1 c','rollback to s','fetch 1 c','commit'))
s('describe cursor', *q('begin','declare c cursor for select 1 a, \'x\'::varchar(3) b'),z1(D('P','c'),S),z1(E(1,'c'),S),z1(B(po='z',st='c'),S),*q('rollback','begin','declare b binary cursor for select 1::int8, \'t\''),z1(D('P','b'),E(0,'b'),S),*q('rollback'),z1(P('declare e cursor for select $1::int'),S))
s('declare through extended', *q('begin'),z1(P('declare pc cursor for select $1::int + generate_series(1,3)'),B([b'10']),E(),S),z1(D('P','pc'),S),*q('fetch 2 from pc'),z1(P('fetch 5 from pc'),D('S'),B(),D('P'),E(),S),z1(P('close pc'),D('S'),B(),E(),S),*q('commit'),z1(P('move 1 in nosuch'),S),z1(P('fetch 1 from nosuch'),S),z1(P('close nosuch'),B(),E(),S))
# copy
T='create temp table ct(a int, b text)'
def copyin(sql,*msgs): return [(Q(sql),'GEZ',1),z1(b''.join(msgs))]
s('copy in text', *q(T),*copyin('copy ct from stdin',d('1\tx\n2\t\\N\n'),done),*q('select * from ct order by 1'),*copyin('copy ct(b,a) from stdin',d('y\t3\n\\.\n'),done),*copyin('copy ct from stdin',d('4\ta\\tb\\nc\\\\\n'),d('5\tsplit'),d(' row\n'),done),*q('select * from ct order by 1'))
s('copy in errors', *q(T),*copyin('copy ct from stdin',d('1\tx\nz\ty\n'),done),*q('select count(*) from ct'),*copyin('copy ct from stdin',d('1\n'),done),*copyin('copy ct from stdin',d('1\t2\t3\n'),done),*copyin('copy ct from stdin',d('99999999999\tx\n'),done),*copyin('copy ct from stdin',fail('stop')),*copyin('copy ct from stdin',H,S,d('7\tz\n'),S,done),*q('select count(*) from ct','copy ct(nosuch) from stdin','copy nosuch from stdin','copy ct from \'/nosuch\'' if False else 'select 1','copy (select 1) from stdin'))
s('copy in csv', *q(T),*copyin('copy ct from stdin csv header',d('a,b\n1,"x,""y"\n2,\n3,""\n'),done),*q('select a,b,b is null from ct order by 1'),*copyin("copy ct from stdin with (format csv, null 'NULL', delimiter ';')",d('4;NULL\n5;q\n'),done),*q('select a,b from ct where a>3 order by 1'),*copyin('copy ct from stdin csv',d('1,"unterminated\n'),done),*copyin('copy ct from stdin csv',d('1,2,3\n'),done))
BH=b'PGCOPY\n\xff\r\n\0'+i4(0)+i4(0)
s('copy in binary', *q(T),*copyin('copy ct from stdin binary',d(BH+i2(2)+i4(4)+i4(1)+i4(1)+b'x'+i2(-1)),done),*q('select * from ct'),*copyin('copy ct from stdin (format binary)',d(b'junkjunkjunk'),done),*copyin('copy ct from stdin binary',d(BH+i2(1)+i4(4)+i4(1)+i2(-1)),done),*copyin('copy ct from stdin binary',d(BH+i2(2)+i4(3)+b'abc'+i4(-1)+i2(-1)),done),*copyin('copy ct from stdin binary',d(BH),done))
s('copy in multi statement', *q(T),(Q('select 1; copy ct from stdin; select 2'),'G',1),z1(d('1\tx\n')+done),*q('select * from ct'),(Q('copy ct from stdin; select 1/0'),'G',1),z1(d('2\ty\n')+done),*q('select * from ct'))
s('copy in transaction', *q('begin',T),*copyin('copy ct from stdin',d('1\tx\n'),done),*copyin('copy ct from stdin',fail()),*q('select 1','rollback'))
s('query while copying', *q(T),(Q('copy ct from stdin'),'G',1),(Q('select 1'),'Z',1))
# notifications
s('notify rules', *q('listen a','listen a','begin',"notify a,'1'","notify a,'1'","notify a,'2'",'commit','begin',"notify a,'lost'",'rollback','begin','unlisten a','rollback',"notify a,'kept'",'unlisten a',"notify a,'none'",'begin','listen b','rollback',"notify b",'listen "Q x"','notify "Q x"',"select pg_notify('','x')","select pg_notify(null,'x')",'select * from pg_listening_channels()','unlisten *','select * from pg_listening_channels()'))
# settings
s('interval styles', *[x for st in ('postgres','postgres_verbose','sql_standard','iso_8601') for x in q('set intervalstyle=%s'%st,"select interval '1 year 2 mons -3 days 04:05:06.7', interval '-1 day', interval '0', interval '1-2'")])
s('date styles', *[x for st in ('iso, mdy','sql, dmy','postgres, mdy','german') for x in q("set datestyle='%s'"%st,"select date '2020-02-03', timestamp '2020-02-03 04:05:06.7', timestamptz '2020-02-03 04:05:06+00', date '0044-03-15 BC', array[date '2020-02-03']","select date '2020-02-03'::text, timestamptz '2020-02-03 04:05:06+00' || ''")])
s('statement timeout extended', z1(P('set statement_timeout=50'),B(),E(),S),z1(P('select pg_sleep(2)'),B(),E(),S),z1(P('select 1'),B(),E(),S),*q('begin','select pg_sleep(2)','select 1','rollback','set statement_timeout=0'))
s('discard', z1(P('select 1','keep'),S),*q('create temp table dt(a int)','listen dch','begin','discard all','rollback','discard temp','select * from dt','create temp table dt(a int)','discard all'),z1(B(st='keep'),S),*q('select * from dt','select * from pg_listening_channels()'))
s('records', *q("select row(1,'a',null)","select row()","select (1,2)","select row(row(1,2),3)","select x from (select 1 a, null b) x","select row(1.5,date '2020-01-01','{1,2}'::int[], true)","select array[row(1,2),row(3,4)]","select row(1,2) is null, row(null,null) is null, row(1,null) is not null"))


class Connection:
    def __init__(self, params):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.settimeout(5)
        self.buffer = b""
        pairs = {"user": "postgres", "database": "postgres", **(params or {})}
        body = struct.pack("!i", 196608) + b"".join(z(k) + z(v) for k, v in pairs.items()) + b"\0"
        self.socket.sendall(struct.pack("!i", len(body) + 4) + body)
        self.start = self.until("ZE", 1)

    def read(self, count):
        while len(self.buffer) < count:
            data = self.socket.recv(65536)
            if not data:
                raise EOFError
            self.buffer += data
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def until(self, last, count):
        """Messages up to the count-th of a type in `last`."""
        answer = []
        try:
            while count:
                kind = self.read(1).decode()
                body = self.read(struct.unpack("!i", self.read(4))[0] - 4)
                answer.append(decoded(kind, body))
                count -= kind in last
        except socket.timeout:
            answer.append(["<timeout>"])
        except (EOFError, ConnectionError):
            answer.append(["<eof>"])
        return answer


def decoded(kind, body):
    """A message as the test decodes it."""
    if kind == "R":
        return [kind, struct.unpack("!i", body[:4])[0]]
    if kind == "Z":
        return [kind, body.decode()]
    if kind == "C":
        return [kind, body[:-1].decode()]
    if kind == "S":
        return [kind] + [part.decode() for part in body.split(b"\0")[:2]]
    if kind in "EN":
        fields = {part[:1].decode(): part[1:].decode("utf8", "replace") for part in body.split(b"\0") if part}
        return [kind] + [f"{field}={fields[field]}" for field in "SC" if field in fields]
    if kind == "T":
        at, shown = 2, [kind]
        for _ in range(struct.unpack("!h", body[:2])[0]):
            end = body.index(b"\0", at)
            table, _, oid, size, modifier, form = struct.unpack("!IhIhih", body[end + 1 : end + 19])
            shown.append(f"{body[at:end].decode()}:{oid}/len{size}/mod{modifier}/f{form}" + ("/tab" if table else ""))
            at = end + 19
        return shown
    if kind == "t":
        return [kind] + list(struct.unpack(f"!{struct.unpack('!h', body[:2])[0]}I", body[2:]))
    if kind == "D":
        at, shown = 2, [kind]
        for _ in range(struct.unpack("!h", body[:2])[0]):
            size = struct.unpack("!i", body[at : at + 4])[0]
            at += 4
            if size < 0:
                shown.append(None)
                continue
            value, at = body[at : at + size], at + size
            is_text = all(byte in (9, 10) or 32 <= byte <= 127 for byte in value)
            shown.append(value.decode() if is_text else "\\x" + value.hex())
        return shown
    if kind in "GHW":
        return [kind, body.hex()]
    if kind == "d":
        return [kind, body.decode("utf8", "replace")]
    if kind == "A":
        return [kind] + [part.decode("utf8", "replace") for part in body[4:].split(b"\0")[:2]]
    return [kind]


recorded = []
for name, steps, params in SC:
    connection = Connection(params)
    entry = {"name": name, "parameters": params or {}, "steps": []}
    if name.startswith("startup"):
        entry["start"] = connection.start
    for sent, last, count in steps:
        try:
            connection.socket.sendall(sent)
        except ConnectionError:
            break
        last = last if last == "Z" else last + "E"
        answer = connection.until(last, count)
        entry["steps"].append({"send": sent.hex(), "until": last, "count": count, "answer": answer})
        if answer[-1][0] in ("<eof>", "<timeout>"):
            break
    connection.socket.close()
    recorded.append(entry)
target = pathlib.Path(__file__).parent.parent / "tests/fixtures/postgresql16/more_scenarios.json"
text = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in recorded)
target.write_text(f"[\n{text}\n]\n")
print(len(recorded), "scenarios,", sum(len(entry["steps"]) for entry in recorded), "steps")
