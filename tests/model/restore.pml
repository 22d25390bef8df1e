/*
 * The store is restored from a snapshot: objects, record and revision go back, what replicas remember does not.
 * The snapshot is older than a lease, so each replica has renewed its Lease since and finds it changed back at its next
 * renewal, or its lease ends. Both replicas are older than the restore.
 */

#define WRITES 2
#define DELETES 1
#define OTHERS 1   /* writes after the restore that are no matter of the limit: the revision goes on nevertheless */
#define LAST_REVISION (WRITES + DELETES + OTHERS)
#define KEYS WRITES
#define HARD 1
#ifdef FAULT_SPENDS_A_FORGOTTEN_GRANT
#define FORGOT(me) (0)
#else
#define FORGOT(me) forgot[me]
#endif

#define SUM(f, me) (f(0, me) + f(1, me))
#define SOME(f, me) (f(0, me) || f(1, me))
#define EACH_KEY(f, me) f(0, me); f(1, me)
#define ASKED(me) (started < WRITES)
#define CACHED_USE(me) cached_use[me]

mtype = { UNBORN, OPEN, LANDED, VOID };
mtype = { BEFORE, SNAPSHOT, RESTORED, LEASES_OVER, DEADLINE_OVER };

#define NOTHING 0
#define DELETE 1
#define CREATE(w) ((w) + 2)

mtype write[WRITES] = UNBORN;
bit by[WRITES];
bit early[WRITES];             /* admitted before the leases were over that were held when the store was restored */
byte void_at[WRITES];
byte shown_at[WRITES];         /* the revision at which its replica's cache showed it; 0: not yet */
byte started;
byte deletes;
byte others;
byte event[LAST_REVISION + 1]; /* what the store did at each revision; overwritten after a restore */
byte cached_use[2];            /* a cache that has not noticed goes on with events of another past */
bit forgot[2];                 /* what it had let through; until a swap made since has landed */
bit sent_before[2];            /* the swap under way is from before that */
bit listed[2];                 /* a new cache, from a consistent list made after the wait */

mtype phase = BEFORE;
byte saved_revision, saved_base, saved_used, saved_granted[2];
bit record_changed;            /* since the snapshot */

#define SETTLES(w, me) (shown_at[w] > 0 && shown_at[w] <= NEW_BASE(me) || \
                        shown_at[w] == 0 && write[w] == VOID && void_at[w] <= cache[me])

#include "ledger.pml"

/* The record alone does not tell everyone: who held nothing misses nothing, and the revision may have caught up. */
#define LOSS_SHOWS(me) (swap[me] == IDLE && granted[me] < mine[me] || cache[me] > revision)
#if defined(FAULT_RESTORE_UNNOTICED)
#define NOTICES(me) (0)
#define MUST_NOTICE_FIRST(me) (0)
#elif defined(FAULT_RESTORE_NOTICED_BY_THE_RECORD)
#define NOTICES(me) LOSS_SHOWS(me)
#define MUST_NOTICE_FIRST(me) (phase == RESTORED && knows[me] == 0 && LOSS_SHOWS(me))
#else
#define NOTICES(me) (1)
#define MUST_NOTICE_FIRST(me) (0)
#endif

/* A new epoch waits for the end of all leases that were held, then for the deadline of what they let through. */
#define IS_OPEN(w, me) (write[w] == OPEN)
#define IS_EARLY(w, me) (write[w] == OPEN && early[w])
#if defined(FAULT_NEW_EPOCH_BEFORE_THE_LEASES_END)
#define MAY_LIST (!SOME(IS_OPEN, 0))
#elif defined(FAULT_NEW_EPOCH_BEFORE_THE_DEADLINE)
#define MAY_LIST (phase == LEASES_OVER || phase == DEADLINE_OVER)
#else
#define MAY_LIST (phase == DEADLINE_OVER)
#endif
#define HAS_CACHE(me) (knows[me] == 0 || listed[me])
#define IS_BEFORE_LEASES_OVER (phase != LEASES_OVER && phase != DEADLINE_OVER)

inline show_event(me) {
  if
  :: event[cache[me]] == NOTHING
  :: event[cache[me]] == DELETE -> cached_use[me] = (cached_use[me] > 0 -> cached_use[me] - 1 : 0)
  :: else ->
     cached_use[me]++;
     if
     :: by[event[cache[me]] - CREATE(0)] == me -> shown_at[event[cache[me]] - CREATE(0)] = cache[me]
     :: else
     fi
  fi
}

proctype Replica(byte me) {
end:
  do
  :: d_step { knows[me] == epoch && started < WRITES && UNSPENT(me) > 0 ->
       printf("replica %d admits write %d\n", me, started);
       write[started] = OPEN;
       by[started] = me;
       early[started] = IS_BEFORE_LEASES_OVER;
       CHARGE(started, me) = 1;
       started++ }
  :: atomic { HAS_CACHE(me) && !MUST_NOTICE_FIRST(me) && SENDS(me) -> send_swap(me) }
  :: d_step { IN_FLIGHT(me) -> land_swap(me); record_changed = (phase == SNAPSHOT) }
  :: d_step { IS_ANSWERED(me) ->
       forgot[me] = forgot[me] && (swap[me] != APPLIED || sent_before[me]);
       sent_before[me] = 0;
       learn_fate(me) }
  :: d_step { HAS_CACHE(me) && cache[me] < revision -> watch(me); show_event(me) }
  :: d_step { phase == RESTORED && knows[me] == 0 && NOTICES(me) ->
       drop_grant(me); knows[me] = 1; forgot[me] = 1; sent_before[me] = (swap[me] != IDLE);
       printf("replica %d notices the restore\n", me) }
  :: d_step { knows[me] == 1 && !listed[me] && MAY_LIST ->
       listed[me] = 1;
       cache[me] = revision;
       cached_use[me] = use_at[revision];
       printf("replica %d lists: revision %d, use %d\n", me, revision, cached_use[me]) }
  od
}

proctype Write(byte w) {
end:
  do
  :: d_step { write[w] == OPEN ->
       revision++;
       write[w] = LANDED;
       use_at[revision] = use_at[revision - 1] + 1;
       event[revision] = CREATE(w);
       printf("write %d lands: revision %d, use %d\n", w, revision, use_at[revision]);
       assert(use_at[revision] <= HARD || phase == RESTORED || phase == LEASES_OVER);
       REACHES(1, phase == DEADLINE_OVER && write[0] == LANDED && deletes == 0) }
  :: d_step { write[w] == OPEN ->
       write[w] = VOID; void_at[w] = revision; printf("the deadline of write %d passes\n", w) }
  od
}

inline restore() {
  revision = saved_revision;
  base = saved_base;
  base_used = saved_used;
  granted[0] = saved_granted[0];
  granted[1] = saved_granted[1];
  saved_revision = 0;
  saved_base = 0;
  saved_used = 0;
  saved_granted[0] = 0;
  saved_granted[1] = 0;
  if
  :: record_changed -> refuse_swap(0); refuse_swap(1)
  :: else
  fi;
  record_changed = 0;
  printf("restored: revision %d, base %d, used %d, granted %d and %d\n", revision, base, base_used, granted[0],
         granted[1])
}

proctype Store() {
end:
  do
  :: d_step { deletes < DELETES && use_at[revision] > 0 ->
       deletes++;
       revision++;
       use_at[revision] = use_at[revision - 1] - 1;
       event[revision] = DELETE;
       printf("a delete: revision %d, use %d\n", revision, use_at[revision]) }
  :: d_step { others < OTHERS && phase == RESTORED ->
       others++;
       revision++;
       use_at[revision] = use_at[revision - 1];
       event[revision] = NOTHING;
       printf("some other write: revision %d\n", revision) }
  :: d_step { phase == BEFORE ->
       phase = SNAPSHOT;
       saved_revision = revision;
       saved_base = base;
       saved_used = base_used;
       saved_granted[0] = granted[0];
       saved_granted[1] = granted[1];
       printf("a snapshot\n") }
  :: d_step { phase == SNAPSHOT -> phase = RESTORED; restore() }
  :: d_step { phase == RESTORED && (knows[0] == 1 || !NOTICES(0)) && (knows[1] == 1 || !NOTICES(1)) ->
       phase = LEASES_OVER; printf("the leases are over\n") }
  :: d_step { phase == LEASES_OVER && !SOME(IS_EARLY, 0) -> phase = DEADLINE_OVER; printf("so is the deadline\n") }
  od
}

init {
  atomic {
    run Replica(0);
    run Replica(1);
    run Write(0);
    run Write(1);
    run Store()
  }
  timeout ->  /* all is quiet */
  REACHES(2, others == OTHERS && use_at[revision] == HARD && deletes == DELETES);
  ENDS_WITH(phase == DEADLINE_OVER && epoch == 1 && HOME)
}
