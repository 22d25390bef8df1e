/* What is limited changes: in epoch 0 the first write is none of the limit's, in epoch 1 it counts as the others do. */

#define WRITES 3
#define LAST_REVISION WRITES
#define KEYS WRITES
#define HARD 2

#define SUM(f, me) (f(0, me) + f(1, me) + f(2, me))
#define SOME(f, me) (f(0, me) || f(1, me) || f(2, me))
#define EACH_KEY(f, me) f(0, me); f(1, me); f(2, me)
#define ASKED(me) (write[0] == UNBORN || write[1] == UNBORN || write[2] == UNBORN)
#define CACHED_USE(me) (knows[me] == 0 -> old_use_at[cache[me]] : use_at[cache[me]])

mtype = { UNBORN, OPEN, LANDED, VOID };

mtype write[WRITES] = UNBORN;
byte at[WRITES];                     /* the revision at which it landed, or when its deadline had passed */
bit of_old[WRITES];                  /* let through by a replica that was on epoch 0 */
byte old_use_at[LAST_REVISION + 1];  /* the use as epoch 0 counts */
bit changed;
bit waited;                          /* all replicas are on epoch 1, and since then the request deadline has passed */
byte waited_at;                      /* the revision of a consistent read made then */
bit enforced;

#define SETTLES(w, me) (at[w] <= cache[me] && (write[w] == VOID || write[w] == LANDED && at[w] <= NEW_BASE(me)))

#include "ledger.pml"

/* When exactness may be promised. The last condition: writes that the old selection let through lie in the base, where
 * grants that were taken before they landed may not fit beside them. */
#ifdef FAULT_ENFORCED_BEFORE_ALL_KNOW
#define ALL_KNOW (knows[0] == 1 || knows[1] == 1)
#else
#define ALL_KNOW (knows[0] == 1 && knows[1] == 1)
#endif
#define OLD_AND_OPEN(w, me) (write[w] == OPEN && of_old[w])
#ifdef FAULT_ENFORCED_BEFORE_THE_DEADLINE
#define DEADLINE_PASSED (1)
#else
#define DEADLINE_PASSED (!SOME(OLD_AND_OPEN, 0))
#endif
#ifdef FAULT_ENFORCED_WITHOUT_READ
#define BASE_SHOWS_ALL (epoch == 1)
#else
#define BASE_SHOWS_ALL (epoch == 1 && base >= waited_at)
#endif
#ifdef FAULT_ENFORCED_WITH_TOO_MUCH_GRANTED
#define GRANTS_FIT (1)
#else
#define GRANTS_FIT (granted[0] + granted[1] == 0 || base_used + granted[0] + granted[1] <= HARD)
#endif

/* Writes 1 and 2 are alike: one order of theirs is enough. */
#define MAY_START(w) (write[w] == UNBORN && (w != 2 || write[1] != UNBORN))
#define IS_FREE(w, me) (w == 0 && knows[me] == 0)

inline admit(w, me) {
  printf("replica %d lets write %d through\n", me, w);
  write[w] = OPEN;
  of_old[w] = (knows[me] == 0);
  CHARGE(w, me) = (IS_FREE(w, me) -> 0 : 1)
}

proctype Replica(byte me) {
end:
  do
  :: d_step { changed && knows[me] == 0 ->
       drop_grant(me); knows[me] = 1; printf("replica %d hears of the change\n", me) }
  :: d_step { !MERGES(me) && mine[me] > 0 -> drop_grant(me); printf("replica %d sees a newer epoch\n", me) }
  :: atomic { SENDS(me) -> send_swap(me) }
  :: d_step { IN_FLIGHT(me) -> land_swap(me) }
  :: d_step { IS_ANSWERED(me) -> learn_fate(me) }
  :: d_step { cache[me] < revision -> watch(me) }
  od
}

proctype Write(byte w) {
end:
  do
  :: d_step { MAY_START(w) && (IS_FREE(w, 0) || UNSPENT(0) > 0) -> admit(w, 0) }
  :: d_step { MAY_START(w) && (IS_FREE(w, 1) || UNSPENT(1) > 0) -> admit(w, 1) }
  :: d_step { write[w] == OPEN ->
       revision++;
       write[w] = LANDED;
       at[w] = revision;
       use_at[revision] = use_at[revision - 1] + 1;
       old_use_at[revision] = old_use_at[revision - 1] + (w == 0 -> 0 : 1);
       printf("write %d lands: revision %d, use %d\n", w, revision, use_at[revision]);
       assert(use_at[revision] <= HARD || !enforced);
       assert(old_use_at[revision] <= HARD || changed);
       REACHES(1, enforced && write[0] == LANDED && of_old[0]) }
  :: d_step { write[w] == OPEN -> write[w] = VOID; at[w] = revision; printf("the deadline of write %d passes\n", w) }
  od
}

proctype Operator() {
end:
  do
  :: d_step { !changed -> changed = 1; printf("the limit changes\n") }
  :: d_step { !waited && ALL_KNOW && DEADLINE_PASSED ->
       waited = 1; waited_at = revision; printf("the deadline passes\n") }
  :: d_step { !enforced && waited && BASE_SHOWS_ALL && GRANTS_FIT -> enforced = 1; printf("enforced\n") }
  od
}

init {
  atomic {
    run Replica(0);
    run Replica(1);
    run Write(0);
    run Write(1);
    run Write(2);
    run Operator()
  }
  timeout ->  /* all is quiet */
  REACHES(2, use_at[revision] > HARD);
  ENDS_WITH(enforced && HOME)
}
