/*
 * Two replicas, creates, a delete; swaps that land late, conflict or are not answered; a replica that dies.
 *   (plain)    three objects of size 1
 *   RETURNS    the replica that was away comes back
 *   NAMES      two creates share a name, of which at most one is stored at a time
 *   ADVANCE=n  so much is granted ahead of deletes
 */

#ifndef WRITES
#define WRITES 3
#endif
#define DELETES 1
#define LAST_REVISION (WRITES + DELETES)
#define KEYS WRITES
#ifndef HARD
#define HARD 2
#endif

#define SUM(f, me) (f(0, me) + f(1, me) + f(2, me))
#define SOME(f, me) (f(0, me) || f(1, me) || f(2, me))
#define EVERY(f, key, me) (f(0, key, me) && f(1, key, me) && f(2, key, me))
#define EACH_KEY(f, me) f(0, me); f(1, me); f(2, me)
#define ASKED(me) (started < WRITES)
#define CACHED_USE(me) use_at[cache[me]]

#ifdef NAMES
#define KEY(w) (w < 2 -> 0 : w)  /* a named create is charged to its name */
#define SIZE(w) (w == 1 -> 2 : 1)
#else
#define KEY(w) (w)
#define SIZE(w) (1)
#endif

mtype = { UNBORN, OPEN, LANDED, VOID };

mtype write[WRITES] = UNBORN;
bit by[WRITES];           /* the replica that admitted it */
byte at[WRITES];          /* the revision at which it landed, or of a consistent read when its deadline had passed */
byte stored[KEYS];        /* the size of what is stored under each name */
byte started;
byte deletes;

/* A charge leaves when the write is in the base, or can land no more: its deadline has passed, and a cache that has
 * reached a consistent read made after that does not show it. */
#define SHOWN(w, me) (write[w] == LANDED && at[w] <= cache[me])
#define IN_BASE(w, me) (SHOWN(w, me) && (at[w] <= NEW_BASE(me) || SETTLES_EARLY))
#ifdef FAULT_SETTLES_BEFORE_THE_BASE
#define SETTLES_EARLY 1
#else
#define SETTLES_EARLY 0
#endif
#if defined(FAULT_RELEASE_WITHOUT_READ)
#define NEVER_LANDS(w, me) (write[w] == VOID || write[w] == LANDED && !SHOWN(w, me))
#elif defined(FAULT_RELEASE_WITHOUT_DEADLINE)
#define NEVER_LANDS(w, me) (write[w] == OPEN || write[w] == VOID && at[w] <= cache[me])
#else
#define NEVER_LANDS(w, me) (write[w] == VOID && at[w] <= cache[me])
#endif
#define IS_RESOLVED(w, me) (NEVER_LANDS(w, me) || IN_BASE(w, me))
#define IS_MEMBER(w, key, me) (KEY(w) == key && write[w] != UNBORN && by[w] == me)
#define HOLDS_NOTHING_UP(w, key, me) (!IS_MEMBER(w, key, me) || IS_RESOLVED(w, me))
#define IS_DONE(w, key, me) (IS_MEMBER(w, key, me) && IS_RESOLVED(w, me))
#ifdef FAULT_GROUP_LEAVES_WITH_ITS_FIRST
#define SETTLES(key, me) (IS_DONE(0, key, me) || IS_DONE(1, key, me) || IS_DONE(2, key, me))
#else
#define SETTLES(key, me) EVERY(HOLDS_NOTHING_UP, key, me)
#endif

#define OPEN_CHARGE(w, me) (SHOWN(w, me) || NEVER_LANDS(w, me) -> 0 : CHARGE(w, me))

#include "ledger.pml"

#define MORE(w, me) (SIZE(w) > CHARGE(KEY(w), me) -> SIZE(w) - CHARGE(KEY(w), me) : 0)

/* The grant still holds what another's base shows already: only an own swap takes it out of both. */
#ifdef FAULT_SPENDS_ON_ANOTHERS_BASE
#define COVERED(w, me) (SHOWN(w, me) && at[w] <= base -> CHARGE(w, me) : 0)
#define TO_SPEND(me) (UNSPENT(me) + SUM(COVERED, me))
#else
#define TO_SPEND(me) SPENDABLE(me)
#endif

proctype Replica(byte me) {
end:
  do
  :: d_step { ADMITS(me) && started < WRITES && !LEAVING(KEY(started), me) && TO_SPEND(me) >= MORE(started, me) ->
       printf("replica %d admits create %d\n", me, started);
#ifdef ADVANCE
       REACHES(3, IS_OVERDRAWN(me) && deletes == 1);
#endif
       write[started] = OPEN;
       by[started] = me;
       CHARGE(KEY(started), me) = CHARGE(KEY(started), me) + MORE(started, me);
       started++ }
  :: atomic { TALKS(me) && SENDS(me) -> send_swap(me) }
  :: d_step { IN_FLIGHT(me) -> land_swap(me) }
  :: d_step { TALKS(me) && IS_ANSWERED(me) -> learn_fate(me) }
  :: d_step { TALKS(me) && TAKES_FOR_LOST(me) -> give_up_swap(me) }
  :: d_step { TALKS(me) && cache[me] < revision -> watch(me) }
  od
}

/* What the API server makes of an admitted create. */
proctype Create(byte w) {
end:
  do
  :: d_step { write[w] == OPEN && stored[KEY(w)] == 0 ->
       revision++;
       write[w] = LANDED;
       at[w] = revision;
       stored[KEY(w)] = SIZE(w);
       use_at[revision] = use_at[revision - 1] + SIZE(w);
       printf("create %d lands: revision %d, use %d\n", w, revision, use_at[revision]);
       assert(use_at[revision] <= HARD);
       REACHES(1, deletes == 1 && started == WRITES && use_at[revision] == HARD &&
                  write[0] == LANDED && write[1] == LANDED) }
  :: d_step { write[w] == OPEN -> write[w] = VOID; at[w] = revision; printf("the deadline of create %d passes\n", w) }
  :: d_step { deletes < DELETES && stored[KEY(w)] > 0 && write[w] == LANDED ->
       deletes++;
       revision++;
       use_at[revision] = use_at[revision - 1] - stored[KEY(w)];
       stored[KEY(w)] = 0;
       printf("a delete: revision %d, use %d\n", revision, use_at[revision]) }
  od
}

#define OPEN_OF(w, me) (write[w] == OPEN && by[w] == me)

proctype Lease() {
end:
  do
  :: d_step { life == LIVE && !has_been_away -> life = LAPSED; gone_at = revision; printf("the lease ends\n") }
  :: d_step { life == LAPSED && !SOME(OPEN_OF, 1) -> life = GONE; gone_at = revision; printf("so does the deadline\n") }
#ifdef RETURNS
  :: d_step { life == LAPSED || life == GONE -> life = RETURNED; has_been_away = 1; printf("replica 1 returns\n") }
#endif
  od
}

init {
  atomic {
    run Replica(0);
    run Replica(1);
    run Create(0);
    run Create(1);
    run Create(2);
#ifndef NAMES
    run Lease()
#endif
  }
  timeout ->  /* all is quiet */
  REACHES(2, started == WRITES && (has_been_away || life != LIVE));
  ENDS_WITH(HOME)
}
