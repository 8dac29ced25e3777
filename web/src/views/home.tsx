// Where files are dropped, and the list of jobs.

import { useEffect } from "preact/hooks";
import { followDrops } from "../state/drops";
import { Drop } from "./drop";
import { JobList } from "./joblist";

export function Home() {
  useEffect(followDrops, []);
  return (
    <>
      <Drop />
      <JobList />
    </>
  );
}
