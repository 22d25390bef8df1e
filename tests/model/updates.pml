/*
 * Updates of one object X, which the API server may call about more than once with one key (uid, old version); an
 * object Y that competes for the same limit; denials, which must be true.
 */

#define UPDATES 2
#define Y UPDATES             /* the call that creates Y, of size 1 */
#define LAST_REVISION (UPDATES + 1)
#define KEYS 5                /* the versions of X, then Y */
#define HARD 3
#define FIRST_SIZE 1          /* of X */

#define SUM(f, me) (f(0, me) + f(1, me) + f(2, me) + f(3, me) + f(4, me))
#define SOME(f, me) (f(0, me) || f(1, me) || f(2, me) || f(3, me) || f(4, me))
#define EACH_KEY(f, me) f(0, me); f(1, me); f(2, me); f(3, me); f(4, me)
#define SOME_CALL(f, key, me) (f(0, key, me) || f(1, key, me) || f(2, key, me))
#define EVERY_CALL(f, key, me) (f(0, key, me) && f(1, key, me) && f(2, key, me))
#define WAITS(c, key, me) (call[c] == WAITING && by[c] == me)
#define ASKED(me) SOME_CALL(WAITS, 0, me)
#define CACHED_USE(me) use_at[cache[me]]

mtype = { UNBORN, WAITING, OPEN, LANDED, VOID };

mtype call[UPDATES + 1] = UNBORN;
bit by[UPDATES + 1];          /* the replica that is called */
byte old[UPDATES + 1];        /* the version of X that the call is about */
byte size[UPDATES + 1];       /* that it would give X */
byte at[UPDATES + 1];         /* the revision when it came; then, when it landed or its deadline had passed */

byte version_at[LAST_REVISION + 1];
byte size_at[LAST_REVISION + 1];

#define NEEDS(c) (c == Y -> 1 : (size[c] > size_at[old[c]] -> size[c] - size_at[old[c]] : 0))
#define KEY(c) (c == Y -> KEYS - 1 : old[c])

/* Another write has won: with this key none can land any more. A cache that is behind shows an older version. */
#define OVERTAKEN(c, me) (c != Y && version_at[cache[me]] > old[c])
#define WON(key, me) (key == KEYS - 1 -> call[Y] == LANDED && at[Y] <= cache[me] : key < version_at[cache[me]])
#define ADMITTED(c, key, me) (call[c] != UNBORN && call[c] != WAITING && by[c] == me && KEY(c) == key)
#define CANNOT_LAND(c, me) (call[c] == VOID && at[c] <= cache[me])
#define OVER(c, key, me) (!ADMITTED(c, key, me) || CANNOT_LAND(c, me))
#define FIRST_IS_OVER(c, key, me) (ADMITTED(c, key, me) && CANNOT_LAND(c, me))
#ifdef FAULT_DEADLINE_OF_THE_FIRST_CALL
#define SETTLES(key, me) (WON(key, me) || SOME_CALL(FIRST_IS_OVER, key, me))
#else
#define SETTLES(key, me) (WON(key, me) || EVERY_CALL(OVER, key, me))
#endif

#include "ledger.pml"

/* Calls with one key are charged once, at their maximum. What is leaving must not be joined: it covers no
 * more. */
#ifdef FAULT_REVIEW_UID_AS_KEY
#define MORE(c, me) NEEDS(c)
#else
#define MORE(c, me) (NEEDS(c) > CHARGE(KEY(c), me) -> NEEDS(c) - CHARGE(KEY(c), me) : 0)
#endif
#ifdef FAULT_JOINS_WHAT_LEAVES
#define MAY_JOIN(c, me) (1)
#else
#define MAY_JOIN(c, me) (!LEAVING(KEY(c), me))
#endif
#define IS_NEEDED_BY(c, key, me) (ADMITTED(c, key, me) && CHARGE(key, me) <= NEEDS(c))

/* A denial is judged by a cache that has reached a consistent read begun after the request came, and never for an
 * update that was overtaken: it cannot land, and what it asks for was reckoned from another size. */
#ifdef FAULT_DENIES_WITHOUT_CATCHING_UP
#define CAUGHT_UP(c, me) (1)
#else
#define CAUGHT_UP(c, me) (cache[me] >= at[c])
#endif
#ifdef FAULT_DENIES_THE_OVERTAKEN
#define JUDGED(c, me) (1)
#else
#define JUDGED(c, me) (!OVERTAKEN(c, me))
#endif
#define USE_WITH(c, r) (c == Y -> use_at[r] + 1 : use_at[r] - size_at[r] + size[c])

inline deny(c) {
  printf("call %d is denied\n", c);
  r = at[c];
  do
  :: r <= revision && USE_WITH(c, r) <= HARD -> r++
  :: else -> break
  od;
  assert(r <= revision);  /* at some revision while it waited there was no room */
  r = 0;
  call[c] = VOID;
  REACHES(1, c != Y && old[c] > 0)
}

proctype Replica(byte me) {
end:
  do
  :: atomic { SENDS(me) -> send_swap(me) }
  :: d_step { IN_FLIGHT(me) -> land_swap(me) }
  :: d_step { IS_ANSWERED(me) -> learn_fate(me) }
  :: d_step { cache[me] < revision -> watch(me) }
  od
}

proctype Call(byte c) {
  byte r;
end:
  do
  :: atomic { call[c] == UNBORN && (c == 0 || c == Y || call[c - 1] != UNBORN) ->
       call[c] = WAITING;
       at[c] = revision;
       if
       :: by[c] = 0
       :: c != 0 -> by[c] = 1  /* the replicas are alike */
       fi;
       if
       :: c == Y
       :: c != Y -> old[c] = version_at[revision]; size[c] = 1
       :: c != Y -> old[c] = version_at[revision]; size[c] = 2
       :: c != Y -> old[c] = version_at[revision]; size[c] = 3
       fi;
       printf("call %d comes to replica %d: size %d, old version %d\n", c, by[c], size[c], old[c]) }
  :: d_step { call[c] == WAITING && (NEEDS(c) == 0 || OVERTAKEN(c, by[c])) ->
       call[c] = OPEN; printf("call %d is let through\n", c) }
  :: d_step { call[c] == WAITING && NEEDS(c) > 0 && !OVERTAKEN(c, by[c]) && MAY_JOIN(c, by[c]) &&
              UNSPENT(by[c]) >= MORE(c, by[c]) ->
       CHARGE(KEY(c), by[c]) = CHARGE(KEY(c), by[c]) + MORE(c, by[c]);
       call[c] = OPEN;
       printf("call %d is admitted, %d held for its key\n", c, CHARGE(KEY(c), by[c]));
       assert(SOME_CALL(IS_NEEDED_BY, KEY(c), by[c]));  /* no more is held than can land */
       REACHES(2, ADMITTED(0, 0, 0) && ADMITTED(1, 0, 0) && NEEDS(0) > 0 && NEEDS(1) > NEEDS(0)) }
  :: d_step { call[c] == WAITING && NEEDS(c) > 0 && CAUGHT_UP(c, by[c]) && JUDGED(c, by[c]) &&
              CACHED_USE(by[c]) + NEEDS(c) > HARD ->
       deny(c) }
  :: d_step { call[c] == OPEN && (c == Y || old[c] == version_at[revision]) ->
       revision++;
       call[c] = LANDED;
       at[c] = revision;
       use_at[revision] = USE_WITH(c, revision - 1);
       version_at[revision] = (c == Y -> version_at[revision - 1] : revision);
       size_at[revision] = (c == Y -> size_at[revision - 1] : size[c]);
       printf("call %d lands: revision %d, use %d\n", c, revision, use_at[revision]);
       assert(use_at[revision] <= HARD) }
  :: d_step { call[c] == OPEN -> call[c] = VOID; at[c] = revision; printf("the deadline of call %d passes\n", c) }
  od
}

init {
  atomic {
    use_at[0] = FIRST_SIZE;
    size_at[0] = FIRST_SIZE;
    base_used = FIRST_SIZE;
    run Replica(0);
    run Replica(1);
    run Call(0);
    run Call(1);
    run Call(Y)
  }
  timeout ->  /* all is quiet */
  REACHES(3, use_at[revision] == HARD && call[Y] == LANDED);
  ENDS_WITH(HOME)
}
