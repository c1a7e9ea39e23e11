// The engine contract's suite on real corosync, on hosts in namespaces.
import { afterAll, beforeAll, describe } from "bun:test";
import { type Cluster, startCluster } from "../cluster/cluster.ts";
import { hasCorosync } from "../cluster/requirements.ts";
import { corosyncRings } from "./corosync-rings.ts";
import { describeEngine } from "./engine-contract.ts";

describe.if(hasCorosync)("on corosync", () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster({ hosts: 3, corosync: { tokenMs: 300 } });
  });
  afterAll(async () => await cluster[Symbol.asyncDispose]());
  describeEngine(corosyncRings(() => cluster, 3));
});
