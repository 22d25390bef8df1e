/*
 * One limit's escrow ledger and the two replicas that share it.
 *
 * Who includes this file defines
 *   HARD               the limit
 *   LAST_REVISION      how often the store can change
 *   KEYS               how many reservation keys there are, and SUM, SOME and EACH_KEY over them
 *   CACHED_USE(me)     the use that the cache of replica `me` shows
 *   SETTLES(key, me)   whether a reservation may leave, in a swap that makes NEW_BASE(me) the base
 *   ASKED(me)          whether a request that replica `me` can see still wants budget
 *   ADVANCE            optional: how much may be granted ahead of deletes, whatever is left
 *   OPEN_CHARGE(key, me)  with it: of a reservation, what the cache does not show to have ended
 *   FORGOT(me)         optional: what its grant was spent on; whoever starts an epoch leaves the other's as it is
 *
 * Time has no clock here: a deadline passes at any moment that the rules allow. A consistent read "made after that" is
 * made at that very moment, because any later one would only ask for a newer cache.
 */

mtype = { IDLE, SENT, FORGOTTEN, APPLIED, CONFLICT };  /* a swap */
mtype = { LIVE, LAPSED, GONE, RETURNED, REJOINING };   /* a replica */

/* What is stored: the revision of the type, and the use at each revision. */
byte revision;
byte use_at[LAST_REVISION + 1];

/* The LimitLedger record. */
byte epoch;
byte base;
byte base_used;
byte granted[2];

/* What each replica remembers. */
byte cache[2];          /* the revision that its watch has reached; events come late, but in order */
byte knows[2];          /* the epoch that it is on */
byte mine[2];           /* its grant, less what it is giving back */
byte charge[KEYS * 2];  /* of each reservation; 0: there is none */
bit leaving[KEYS * 2];  /* the swap under way settles it */

#ifdef ADVANCE
byte seen_base[2];      /* the record, when the outcome of its last swap was heard */
byte seen_used[2];
byte seen_other[2];
#endif

/* The swap that each has under way; what it says is fixed when it is sent. */
mtype swap[2] = IDLE;
byte swap_epoch[2];
byte swap_base[2];
byte swap_used[2];
byte swap_granted[2];
bit swap_drops[2];      /* the other's grant */

/* Replica 0 stays. Replica 1 may crash or be cut off, and come back. */
mtype life = LIVE;
byte gone_at;           /* the revision of a consistent read when its lease and then the deadline had passed */
bit has_been_away;

#define OTHER(me) (1 - (me))
#define CHARGE(key, me) charge[(key) * 2 + (me)]
#define LEAVING(key, me) leaving[(key) * 2 + (me)]
#define SPENT(me) SUM(CHARGE, me)
#define UNSPENT(me) (mine[me] - SPENT(me))

/* What is unspent may be more than is left: then the cache has to show room as well, beside all that the other may spend.
 * Each of the two is either bound by its grant, which the other has taken into account, or has itself seen the other's
 * last one. */
#ifdef ADVANCE
#ifdef FAULT_FORGETS_THE_BASE
#define KNOWN_USE(me) CACHED_USE(me)
#else
#define KNOWN_USE(me) (cache[me] > seen_base[me] -> CACHED_USE(me) : seen_used[me])
#endif
#ifdef FAULT_FORGETS_THE_OTHER
#define KNOWN_OTHER(me) 0
#else
#define KNOWN_OTHER(me) seen_other[me]
#endif
#ifdef FAULT_FORGETS_WHAT_IS_OPEN
#define OPEN_CHARGES(me) 0
#else
#define OPEN_CHARGES(me) SUM(OPEN_CHARGE, me)
#endif
#define AFFORDABLE(me) (HARD - KNOWN_USE(me) - KNOWN_OTHER(me) - OPEN_CHARGES(me))
#ifdef FAULT_SPENDS_AN_ADVANCE_BLINDLY
#define IS_OVERDRAWN(me) (0)
#else
#define IS_OVERDRAWN(me) (seen_used[me] + mine[me] + seen_other[me] > HARD)
#endif
#define SPENDABLE(me) (IS_OVERDRAWN(me) && AFFORDABLE(me) < UNSPENT(me) -> AFFORDABLE(me) : UNSPENT(me))
#define TAKES_AHEAD(me) (ASKED(me) && UNSPENT(me) == 0)
#else
#define SPENDABLE(me) UNSPENT(me)
#define TAKES_AHEAD(me) (0)
#endif

/* A replica admits until its Lease ends by its own clock. Back again it cannot know what was dropped meanwhile, so its
 * first swap comes before its first admission. */
#define TALKS(me) (me == 0 || life == LIVE || life == RETURNED || life == REJOINING)
#ifdef FAULT_RESUMES_FROM_MEMORY
#define ADMITS(me) TALKS(me)
#else
#define ADMITS(me) (me == 0 || life == LIVE)
#endif

/* Who is on a newer epoch starts it; who is on an older one has no say. */
#define STARTS_EPOCH(me) (knows[me] > epoch)
/* What was granted before is void with what was counted before. After a restore only its holder says what becomes of a
 * grant, and says it before anything else. */
#ifdef FORGOT
#define VOIDS_OTHERS_GRANT(me) (0)
#else
#define VOIDS_OTHERS_GRANT(me) STARTS_EPOCH(me)
#define FORGOT(me) (0)
#endif
#ifdef FAULT_MERGES_ANOTHER_EPOCH
#define MERGES(me) (1)
#else
#define MERGES(me) (knows[me] >= epoch)
#endif

/* A base never goes back: charges that left because it showed their writes would be counted nowhere. */
#if defined(FAULT_BASE_GOES_BACK)
#define MOVES_BASE(me) (cache[me] != base || STARTS_EPOCH(me))
#elif defined(FAULT_SETTLES_BEFORE_THE_BASE)
#define MOVES_BASE(me) (STARTS_EPOCH(me))
#else
#define MOVES_BASE(me) (cache[me] > base || STARTS_EPOCH(me))
#endif
#define NEW_BASE(me) (MOVES_BASE(me) -> cache[me] : base)

/* A dead replica's grant is dropped once nothing that it admitted can land any more and the base shows what has. The
 * lease is looked at after the record was read that the swap tests: news from before may be of a past absence. */
#if defined(FAULT_RECLAIM_WITHOUT_DEADLINE)
#define RECLAIMS(me) (me == 0 && granted[1] > 0 && (life == LAPSED || life == GONE) && NEW_BASE(me) >= gone_at)
#elif defined(FAULT_RECLAIM_WITHOUT_READ)
#define RECLAIMS(me) (me == 0 && granted[1] > 0 && life == GONE)
#elif defined(FAULT_RECLAIM_ON_OLD_NEWS)
#define RECLAIMS(me) (me == 0 && granted[1] > 0 && (life == GONE || has_been_away) && NEW_BASE(me) >= gone_at)
#else
#define RECLAIMS(me) (me == 0 && granted[1] > 0 && life == GONE && NEW_BASE(me) >= gone_at)
#endif

#define TO_SETTLE(key, me) (CHARGE(key, me) > 0 && SETTLES(key, me))
#define SETTLED(key, me) (TO_SETTLE(key, me) -> CHARGE(key, me) : 0)
#define ROOM (HARD - base_used - granted[0] - granted[1])
#define SENDS(me) (swap[me] == IDLE && MERGES(me) && \
  (MOVES_BASE(me) || SOME(TO_SETTLE, me) || RECLAIMS(me) || UNSPENT(me) > 0 || \
   (me == 1 && life == RETURNED) || (FORGOT(me) && granted[me] > 0) || (ASKED(me) && ROOM > 0) || TAKES_AHEAD(me)))

inline mark_leaving(key, me) {
  if
  :: TO_SETTLE(key, me) -> LEAVING(key, me) = 1
  :: else
  fi
}

inline forget(key, me) {
  CHARGE(key, me) = 0
}

/* Its grant is gone: dropped with a base that shows whatever it had admitted, or of another epoch. */
inline drop_grant(me) {
  EACH_KEY(forget, me);
  mine[me] = 0
}

#define SWAP_GRANTED_TO_OTHER(me) (swap_drops[me] -> 0 : granted[OTHER(me)])
#define SWAP_ROOM(me) (HARD - swap_used[me] - swap_granted[me] - SWAP_GRANTED_TO_OTHER(me))
#define CHANGES_RECORD(me) (swap_base[me] != base || swap_granted[me] != granted[me] || swap_drops[me] || \
                            (me == 1 && life == REJOINING))

/* A swap, first step: the replica reads the record and sends what it shall become. */
inline send_swap(me) {
  d_step {
    if
    :: granted[me] < mine[me] -> drop_grant(me)
    :: else
    fi;
    swap[me] = SENT;
    swap_epoch[me] = (STARTS_EPOCH(me) -> knows[me] : epoch);
    swap_base[me] = NEW_BASE(me);
    swap_used[me] = (MOVES_BASE(me) -> CACHED_USE(me) : base_used);
    swap_granted[me] = (STARTS_EPOCH(me) || FORGOT(me) -> 0 : granted[me] - SUM(SETTLED, me));
    swap_drops[me] = RECLAIMS(me) || VOIDS_OTHERS_GRANT(me);
    EACH_KEY(mark_leaving, me);
    if
    :: me == 1 && life == RETURNED -> life = REJOINING
    :: else
    fi
  }
  if
  :: ASKED(me) && SWAP_ROOM(me) > 0 -> swap_granted[me]++
  :: ASKED(me) && SWAP_ROOM(me) > 1 -> swap_granted[me] = swap_granted[me] + SWAP_ROOM(me)
#ifdef ADVANCE
  :: TAKES_AHEAD(me) -> swap_granted[me] = swap_granted[me] + ADVANCE
#endif
  :: UNSPENT(me) > 0 && swap_granted[me] >= UNSPENT(me) ->
     swap_granted[me] = swap_granted[me] - UNSPENT(me);
#ifndef FAULT_SPENDS_WHAT_IT_GIVES_BACK
     mine[me] = SPENT(me)  /* gone at once: the swap may land before its answer is heard */
#endif
  :: CHANGES_RECORD(me)
  :: else
  fi;
  printf("replica %d sends: epoch %d, base %d, used %d, granted %d\n", me, swap_epoch[me], swap_base[me],
         swap_used[me], swap_granted[me]);
  if
  :: swap_drops[me] -> printf("  it drops the other's grant\n")
  :: else
  fi
}

inline clear_swap(me) {
  swap_epoch[me] = 0;
  swap_base[me] = 0;
  swap_used[me] = 0;
  swap_granted[me] = 0;
  swap_drops[me] = 0
}

/* The record has changed since the swap was made. */
inline refuse_swap(me) {
  if
  :: swap[me] == SENT ->
     swap[me] = CONFLICT;
     swap_epoch[me] = 0;
     swap_base[me] = 0;
     swap_used[me] = 0;
#ifndef FAULT_TELLS_BY_THE_GRANT
     swap_granted[me] = 0;
#endif
     swap_drops[me] = 0
  :: swap[me] == FORGOTTEN -> swap[me] = IDLE; clear_swap(me)
  :: else
  fi
}

/* Second step, at any time, also when its sender is gone: the store takes the swap. */
inline land_swap(me) {
  printf("the swap of replica %d lands\n", me);
  epoch = swap_epoch[me];
  base = swap_base[me];
  base_used = swap_used[me];
  granted[me] = swap_granted[me];
  if
  :: swap_drops[me] -> granted[OTHER(me)] = 0
  :: else
  fi;
  swap[me] = (swap[me] == SENT -> APPLIED : IDLE);
  clear_swap(me);
  refuse_swap(OTHER(me))
}

#ifdef FAULT_TELLS_BY_THE_GRANT
#define LANDED_AS_TOLD(me) (swap[me] == APPLIED || granted[me] == swap_granted[me])
#else
#define LANDED_AS_TOLD(me) (swap[me] == APPLIED)
#endif

inline take_leave(key, me) {
  if
  :: LEAVING(key, me) && LANDED_AS_TOLD(me) -> CHARGE(key, me) = 0
  :: else
  fi;
  LEAVING(key, me) = 0
}

/* Third step: the replica learns what became of its swap. No answer is no news: the same swap is sent again until the
 * record has changed; then the sequence number in the replica's own entry tells whether it was this swap. */
inline learn_fate(me) {
  EACH_KEY(take_leave, me);
  mine[me] = (MERGES(me) && !STARTS_EPOCH(me) && !FORGOT(me) -> granted[me] : 0);
#ifdef ADVANCE
  seen_base[me] = base;
  seen_used[me] = base_used;
  seen_other[me] = granted[OTHER(me)];
#endif
  if
  :: mine[me] < SPENT(me) -> drop_grant(me)
  :: else
  fi;
  if
  :: me == 1 && life == REJOINING -> life = (swap[me] == APPLIED -> LIVE : RETURNED)
  :: else
  fi;
  printf("replica %d learns: %e, granted %d, spent %d\n", me, swap[me], mine[me], SPENT(me));
  swap[me] = IDLE;
  clear_swap(me)
}

inline clear_leaving(key, me) {
  LEAVING(key, me) = 0
}

/* What FAULT_TAKES_SILENCE_FOR_LOSS does. */
inline give_up_swap(me) {
  printf("replica %d takes its swap for lost\n", me);
  EACH_KEY(clear_leaving, me);
  mine[me] = granted[me];
  swap[me] = FORGOTTEN
}

#ifdef FAULT_TAKES_SILENCE_FOR_LOSS
#define TAKES_FOR_LOST(me) (swap[me] == SENT)
#else
#define TAKES_FOR_LOST(me) (0)
#endif

#define IN_FLIGHT(me) (swap[me] == SENT || swap[me] == FORGOTTEN)
#define IS_ANSWERED(me) (swap[me] == APPLIED || swap[me] == CONFLICT)

inline watch(me) {
  cache[me]++;
  printf("replica %d sees revision %d\n", me, cache[me])
}

/* A run with WITNESS=n must find this state: what never happens proves nothing. */
#ifndef WITNESS
#define WITNESS 0
#endif
#define REACHES(n, what) assert(WITNESS != n || !(what))
#define HOME (granted[0] == 0 && granted[1] == 0 && SPENT(0) == 0 && (SPENT(1) == 0 || life != LIVE))

/* What must hold when all is quiet. HARM_ONLY leaves it out: a fault has to do worse than to leave
 * budget lying about. */
#ifdef HARM_ONLY
#define ENDS_WITH(what) skip
#else
#define ENDS_WITH(what) assert(what)
#endif
