from __future__ import annotations
import os
import sqlalchemy as sa
from tests.exchange.test_predicate import *
from hub.store.rules_schema import *
from hub.store.schema import *
from hub.fhir import text

def test_debug(each_house):
    hub = each_house.hub
    n = int(os.environ["W"]); want=os.environ.get("R","")
    with hub.store.writing() as tx: furnish(tx)
    with hub.store.writing() as tx:
        world = draw(hub, tx, n, os.environ.get("N") or f"w{n-20261101}")
        print("CONSENTS")
        for c in world.consents:
            print(text.write(hub.vault.open_resource(tx, tx.records.read(*c.split("/")))).decode()[:1500])
        for q in rows(tx, sa.select(consent_rule)): print(dict(q._mapping))
        for asked in world.requests(ASKERS):
            said = list(complaints(world, tx, asked, Shown(world, tx, asked)))
            print(asked, said)
            spec = hub.rulebook.spec(tx, asked); print(spec)
            print({k:(v.permit,v.fields()) for k,v in tx.rules.sides([], None).items()})
            for one in said:
                ref = one.split(":")[0]
                s = tx.records.read(*ref.split("/"))
                print(ref, s.clients, s.author, s.labels.confidentiality, s.labels.sensitivity, s.labels.areas, text.write(hub.vault.open_resource(tx,s)).decode())
                d = hub.gate.disclose(tx, asked, [s], exit="search")
                v = d.get(ref)
                print("   ", v and (v.partial, v.decision, v.text.decode()), d.withheld)
                key = rows(tx, sa.select(record).where(record.c.reference==ref))[0]
                print("   ", {k:v for k,v in key._mapping.items() if k in ("key","container","client_count","own_areas","own_sensitivity","own_confidentiality")})
                for p in rows(tx, sa.select(record_part).where(record_part.c.record==key.key)): print("      part",tuple(p))
                for p in rows(tx, sa.select(sight_step).where(sight_step.c.record==key.key)): print("      step",tuple(p))
                for p in rows(tx, sa.select(record_index).where(record_index.c.record==key.key)): print("      row",tuple(p)[2:])
                break
