// Where files are dropped, and the list of jobs.

import { Drop } from "./drop";
import { JobList } from "./joblist";

export function Home() {
  return (
    <>
      <Drop />
      <JobList />
    </>
  );
}
