/*
 * Two limits, three replicas and requests that need one of each limit, taken together or not at all: recalls must give
 * the budget to someone (no deadlock, nobody takes and returns for ever), and nobody may be sent away while what it
 * asked for lies unspent elsewhere.
 *   HARD_X, HARD_Y   the limits; at first replica 0 holds all of X and replica 1 all of Y
 *   REQUESTS         of the second replica, the others have one; the third one's needs only X when THIRD_NEEDS_ONLY_X
 *   CRASHES          replica 0 may crash: its recalls expire, its grants are reclaimed
 * Each step is one swap of one ledger, read and written at once: creates.pml has the swaps that land late.
 *
 * A recall is its replica's place in the line. Who needs it no more keeps it until it is its turn, and a request that
 * comes meanwhile takes it over.
 */

#ifndef HARD_X
#define HARD_X 2
#endif
#ifndef HARD_Y
#define HARD_Y 2
#endif
#ifndef REQUESTS
#define REQUESTS 1
#endif
#ifdef THIRD_NEEDS_ONLY_X
#define NEEDS(l, me) (l == X || me != 2)
#else
#define NEEDS(l, me) (1)
#endif

#define X 0
#define Y 1
#define HARD(l) (l == X -> HARD_X : HARD_Y)

#define GRANTED(l, i) granted[(l) * 3 + (i)]
#define SPENT(l, i) spent[(l) * 3 + (i)]
#define RECALL(l, i) recall[(l) * 3 + (i)]
#define ACK(l, i) ack[(l) * 3 + (i)]

byte granted[6];
byte spent[6];
byte recall[6];    /* the identity of the open recall: when its request began to wait; 0: none */
byte ack[6];       /* the identity of the recall that was answered */
byte identity[3];  /* of the recalls that are open, the same in both ledgers */
byte requests[3];
bit waits[3];
bit crashed;
byte clock;

#define UNSPENT(l, i) (GRANTED(l, i) - SPENT(l, i))
#define LACKS(l, me) (waits[me] && NEEDS(l, me) && UNSPENT(l, me) == 0)
#define ROOM(l) (HARD(l) - GRANTED(l, 0) - GRANTED(l, 1) - GRANTED(l, 2))
#define ALL_SPENT(l) (SPENT(l, 0) + SPENT(l, 1) + SPENT(l, 2) == HARD(l))
#define LIVES(i) (i != 0 || !crashed)

#define IS_NOT_AFTER(l, i, other) (RECALL(l, other) == 0 || RECALL(l, i) <= RECALL(l, other))
#define IS_OLDEST(l, i) (RECALL(l, i) > 0 && IS_NOT_AFTER(l, i, 0) && IS_NOT_AFTER(l, i, 1) && IS_NOT_AFTER(l, i, 2))
#define OLDEST(l) (IS_OLDEST(l, 0) -> RECALL(l, 0) : (IS_OLDEST(l, 1) -> RECALL(l, 1) : RECALL(l, 2)))
#define HAS_ANSWERED(l, i, other) (i == other || ACK(l, other) == RECALL(l, i) || !LIVES(other))
#define IS_ANSWERED(l, i) (HAS_ANSWERED(l, i, 0) && HAS_ANSWERED(l, i, 1) && HAS_ANSWERED(l, i, 2))

#ifdef FAULT_TAKES_AGAINST_A_RECALL
#define MAY_TAKE(l, me) (1)
#else
#define MAY_TAKE(l, me) (OLDEST(l) == 0 || IS_OLDEST(l, me))
#endif
#ifdef FAULT_WAITING_ONES_KEEP
#define RETURNS(me) (!waits[me])
#else
#define RETURNS(me) (1)
#endif

inline take(l) {
  d_step { LIVES(me) && LACKS(l, me) && ROOM(l) > 0 && MAY_TAKE(l, me) ->
    GRANTED(l, me)++;
#ifndef FAULT_ANSWER_OUTLIVES_A_TAKE
    ACK(l, me) = 0;  /* it holds something again: whoever it has answered must ask anew */
#endif
    printf("replica %d takes one of limit %d\n", me, l) }
}

/* One identity for all ledgers: with an order of each, two requests can hold what the other one needs. */
inline raise(l) {
  d_step { LIVES(me) && LACKS(l, me) && RECALL(l, me) == 0 && (ROOM(l) == 0 || !MAY_TAKE(l, me)) ->
    if
#ifdef FAULT_EACH_LEDGER_HAS_AN_ORDER
    :: 1 ->
#else
    :: RECALL(X, me) + RECALL(Y, me) == 0 ->
#endif
       clock++; identity[me] = clock  /* behind all who stand in line */
    :: else
    fi;
    RECALL(l, me) = identity[me];
    printf("replica %d recalls limit %d, identity %d\n", me, l, identity[me]) }
}

inline answer(l) {
  d_step { LIVES(me) && OLDEST(l) > 0 && !IS_OLDEST(l, me) && ACK(l, me) != OLDEST(l) && RETURNS(me) ->
    GRANTED(l, me) = SPENT(l, me);
    ACK(l, me) = OLDEST(l);
    printf("replica %d answers recall %d of limit %d\n", me, OLDEST(l), l) }
}

#ifdef FAULT_KEEPS_ITS_TURN
#define WITHDRAWS(l, me) (0)
#else
#define WITHDRAWS(l, me) (!waits[me] && IS_OLDEST(l, me))
#endif

inline withdraw(l) {
  d_step { LIVES(me) && WITHDRAWS(l, me) ->
    RECALL(l, me) = 0;
    printf("replica %d withdraws its recall of limit %d\n", me, l) }
}

inline give_up(l) {
  d_step { LIVES(me) && LACKS(l, me) && IS_OLDEST(l, me) && ROOM(l) == 0 && IS_ANSWERED(l, me) ->
    waits[me] = 0;
    printf("replica %d sends its request away for limit %d\n", me, l);
    assert(crashed || ALL_SPENT(l)) }
}

proctype Replica(byte me) {
end:
  do
  :: d_step { LIVES(me) && requests[me] > 0 && !waits[me] ->
       requests[me]--; waits[me] = 1; printf("replica %d has a request\n", me) }
  :: d_step { LIVES(me) && waits[me] && !LACKS(X, me) && !LACKS(Y, me) ->
       SPENT(X, me)++;
       SPENT(Y, me) = SPENT(Y, me) + NEEDS(Y, me);
       waits[me] = 0;
       printf("replica %d admits its request\n", me) }
  :: take(X)
  :: take(Y)
  :: raise(X)
  :: raise(Y)
  :: answer(X)
  :: answer(Y)
  :: withdraw(X)
  :: withdraw(Y)
  :: give_up(X)
  :: give_up(Y)
  od
}

proctype Crash() {
#ifdef CRASHES
end:
  do
  :: d_step { !crashed -> crashed = 1; printf("replica 0 crashes\n") }
  :: d_step { crashed && RECALL(X, 0) > 0 -> RECALL(X, 0) = 0 }
  :: d_step { crashed && RECALL(Y, 0) > 0 -> RECALL(Y, 0) = 0 }
  :: d_step { crashed && UNSPENT(X, 0) > 0 -> GRANTED(X, 0) = SPENT(X, 0) }
  :: d_step { crashed && UNSPENT(Y, 0) > 0 -> GRANTED(Y, 0) = SPENT(Y, 0) }
  od
#else
  skip
#endif
}

#define IS_THROUGH(i) (!LIVES(i) || requests[i] == 0 && !waits[i] && RECALL(X, i) + RECALL(Y, i) == 0)

#ifndef WITNESS
#define WITNESS 0
#endif

init {
  atomic {
    GRANTED(X, 0) = HARD_X;
    GRANTED(Y, 1) = HARD_Y;
    requests[0] = 1;
    requests[1] = REQUESTS;
    requests[2] = 1;
    run Replica(0);
    run Replica(1);
    run Replica(2);
    run Crash()
  }
  timeout ->  /* all is quiet */
  assert(WITNESS != 1 || !(SPENT(X, 0) == 1 && SPENT(X, 1) == 1));
  assert(WITNESS != 2 || !(SPENT(X, 2) == 1 && SPENT(X, 1) == 1));
  assert(IS_THROUGH(0) && IS_THROUGH(1) && IS_THROUGH(2))
}
