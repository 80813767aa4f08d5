# Judges what happened to a load of chats, from what everybody has recorded of it: a function of the records,
# which are
#   requests    what each client asked and got: Chatbot::HistoryPlan, HistoryClients and HistoryAnswer
#   journal     the calls that the stand-in for AWS has had, oldest first (docs/emulator.md)
#   log         the lines of the access log: Chatbot::HistoryRecords
#   items       the session table's, in DynamoDB's JSON
#   kills       children that were killed: { at, pid, ports => { of its clients => 1 } }
#   prometheus, cloudwatch    the sums at the end; before => { the same at the beginning }
#   quota       how many chats a client of /limited has
package Chatbot::History;

use strict;
use warnings;
use Encode qw(encode_utf8);
use List::Util qw(sum0 max);

our $ID = qr/\[(h\d+-\d+)\]/;

# How long before a child is killed what it has answered may still be missing from its log.
my $LOG_DELAY = 0.2;

# What was refused before any agent heard of it.
my $NOT_ASKED = qr/^(?:validation_error|method_not_allowed|bad_request|invalid_\w+|missing_\w+|rate_limited|overloaded|circuit_open|shutting_down)$/;

# Calls that an agent refused to begin: these alone may be made again (aws-wire, retries).
my $REFUSED_STREAM = qr/\{\{stream-error (?:throttling|modelNotReady)Exception(?: 0)?\}\}/;

sub violation { my ($check, $id, $text) = @_; return { check => $check, id => $id, text => $text } }

# ---- the records by request ----

sub by_id {
    my ($records) = @_;
    my (%log, %calls);
    push @{ $log{ $_->{id} } }, $_ for @{ $records->{log} };
    for my $call (@{ $records->{journal} }) {
        push @{ $calls{$1} }, $call if $call->{operation} eq 'InvokeAgent' && ($call->{message} // '') =~ /\A$ID/;
    }
    return { log => \%log, calls => \%calls, request => { map { $_->{id} => $_ } @{ $records->{requests} } } };
}

# Whether a kill may have taken the request, or what would have been logged of it, along.
sub is_killed {
    my ($records, $request) = @_;
    return 1 if $request->{killed};
    return scalar grep { $request->{ended} <= $_->{at} && $request->{ended} > $_->{at} - $LOG_DELAY
            && ($_->{ports}{ $request->{port} } || $request->{close} || $request->{closes}) } @{ $records->{kills} };
}

# Sent on a connection that the server had closed as idle: the right of both sides (RFC 9112, 9.5).
sub is_unheard {
    my ($request) = @_;
    return $request->{end} eq 'cut' && !$request->{killed} && $request->{reused} && !$request->{got};
}

# ---- 1: each request ended once ----

sub judge_end {
    my ($request, $killed) = @_;
    my $end = $request->{end} // 'never ended';
    return "it $end" if $end eq 'never ended';
    return 'nothing ended it' if $end eq 'late';
    return "$request->{extra} bytes came behind its answer" if $request->{extra};
    return 'its connection ended before its answer did, and nothing explains it'
        if $end eq 'cut' && !$request->{killed} && !is_unheard($request);
    return 'its answer is no answer: ' . join ' | ', @{ $request->{garbled} } if $request->{garbled};
    return "its answer ends with neither text nor error: $request->{error}" if ($request->{error} // '') =~ /^no /;
    return 'its stream ended properly, without a last event'
        if $end eq 'answer' && !$request->{done} && !defined $request->{error};
    return;
}

sub judge_log {
    my ($request, $lines, $calls, $killed) = @_;
    my $count = @$lines;
    return "$count lines of the access log" if $count > 1;
    return is_unheard($request) && ($count || @$calls) ? 'it was heard, and its connection ended without an answer' : ()
        if is_unheard($request);
    return $killed || ($request->{end} eq 'left' && !@$calls) ? () : 'it is not in the access log' if !$count;
    return if $request->{end} ne 'answer';
    my $line = $lines->[0];
    return "the access log has status $line->{status}, the client $request->{status}"
        if $line->{status} != $request->{status};
    return "the access log has $line->{outcome}, the client " . ($request->{error} // 'success')
        if !$request->{invalid} && $line->{outcome} ne ($request->{error} // 'success');
    return "the answer has the id $request->{request_id}" if ($request->{request_id} // '') ne $request->{id};
    return;
}

sub ended_once {
    my ($records, $index) = @_;
    my @found;
    for my $request (@{ $records->{requests} }) {
        my $id = $request->{id};
        my @wrong = judge_end($request);
        push @wrong, judge_log($request, $index->{log}{$id} // [], $index->{calls}{$id} // [], is_killed($records, $request))
            if $request->{end};
        push @found, map { violation('ended once', $id, $_) } @wrong;
    }
    push @found, map { violation('ended once', $_, 'nobody has asked this, and it is in the access log') }
        grep { $_ =~ /^h\d/ && !$index->{request}{$_} } keys %{ $index->{log} };
    return @found;
}

# ---- 2: text ----

# A proper end of the body between two frames cannot be told from the end of the answer.
sub may_end_early { my ($request) = @_; return $request->{commands} =~ /\{\{cut / }

sub judge_text {
    my ($request, $calls) = @_;
    my $text = $request->{text_got} // '';
    return 'text that the agent has not said' if index($request->{text}, $text) != 0;
    return 'a whole answer of a part of the text'
        if $request->{done} && $text ne $request->{text} && !may_end_early($request);
    return 'a stream\'s last event has another text than what was streamed'
        if defined $request->{whole_text} && $request->{whole_text} ne $text;
    return 'text without a call of the agent\'s' if $text ne '' && !@$calls;
    return;
}

# The stand-in has heard what was asked, so it says what is expected.
sub judge_heard {
    my ($request, $calls) = @_;
    my $text = encode_utf8($request->{text});
    return map { 'the agent heard another message' }
        grep { $_->{message_bytes} != length $text || index($text, encode_utf8($_->{message})) != 0 } @$calls;
}

sub text_is_whole {
    my ($records, $index) = @_;
    my @found;
    for my $request (@{ $records->{requests} }) {
        my $calls = $index->{calls}{ $request->{id} } // [];
        push @found, map { violation('text', $request->{id}, $_) } judge_text($request, $calls), judge_heard($request, $calls);
    }
    return @found;
}

# ---- 3: invocations ----

# Refused before it was begun: it may be made again.
sub was_refused {
    my ($request, $call) = @_;
    my $commands = $request->{commands} . ($call->{faults} // '');
    return 1 if $call->{status} == 429 || $call->{status} == 503;
    return $call->{status} == 424 && $commands =~ /ModelNotReady/ || $call->{status} == 200 && $commands =~ $REFUSED_STREAM;
}

sub judge_calls {
    my ($request, $calls, $line) = @_;
    my $count = @$calls;
    my $is_half = ($request->{end} // '') eq 'left' && $request->{leave}{phase} =~ /^(?:head|body)$/;
    return 'it was not to be asked, and the agent heard it'
        if $count && ($is_half || ($request->{error} // '') =~ $NOT_ASKED);
    return 'an answer that no agent gave' if !$count && $request->{done};
    my @again = grep { !was_refused($request, $calls->[$_]) } 0 .. $count - 2;
    return "call $calls->[$again[0]]{sequence} may have been acted on, and the agent was called again" if @again;
    return "$count calls" if $count > 3;
    # More retries than calls: a connection broke before the stand-in had the whole call.
    return "the access log has $line->{retries} retries of $count calls"
        if $line && $count && ($line->{retries} eq '-' || $line->{retries} < $count - 1);
    return;
}

sub invoked_once {
    my ($records, $index) = @_;
    my @found;
    for my $request (@{ $records->{requests} }) {
        my $id = $request->{id};
        push @found, map { violation('invoked again', $id, $_) }
            judge_calls($request, $index->{calls}{$id} // [], ($index->{log}{$id} // [])->[0]);
    }
    push @found, map { violation('invoked again', $_, 'nobody has asked this, and an agent heard it') }
        grep { !$index->{request}{$_} } keys %{ $index->{calls} };
    return @found;
}

# ---- 4: sessions ----

sub session_of { my ($request) = @_; return $request->{session} // $request->{got_session} }

sub judge_session {
    my ($request, $calls, $line) = @_;
    my $session = session_of($request) // '';
    my ($text_id) = ($request->{text_got} // '') =~ /\A$ID/;
    return "its answer is of session $request->{got_session}" if defined $request->{got_session} && $request->{got_session} ne $session;
    return "its answer is that of $text_id" if defined $text_id && $text_id ne $request->{id};
    return "its stream is that of $request->{event_id}" if ($request->{event_id} // $request->{id}) ne $request->{id};
    return 'the agent heard it in another session' if $session ne '' && grep { $_->{session} ne $session } @$calls;
    return "the access log has session $line->{session}" if $line && $session ne '' && $line->{session} ne '-' && $line->{session} ne $session;
    return;
}

sub sessions_apart {
    my ($records, $index) = @_;
    my (@found, %made);
    for my $request (@{ $records->{requests} }) {
        my $id = $request->{id};
        push @found, map { violation('session', $id, $_) }
            judge_session($request, $index->{calls}{$id} // [], ($index->{log}{$id} // [])->[0]);
        push @{ $made{ $request->{got_session} } }, $id if !defined $request->{session} && defined $request->{got_session};
    }
    push @found, map { violation('session', $made{$_}[1], "its new session is that of $made{$_}[0], too") }
        grep { @{ $made{$_} } > 1 } keys %made;
    return @found;
}

# ---- 5: saves ----

# The turns of an item: { id, message, answer } each.
sub turns_of {
    my ($item) = @_;
    my @turns;
    for my $message (map { $_->{M} } @{ ($item->{history} // { L => [] })->{L} }) {
        if ($message->{role}{S} eq 'user') {
            my ($id) = $message->{text}{S} =~ $ID;
            push @turns, { id => $id // '?', message => $message->{text}{S} };
        } elsif (@turns) {
            $turns[-1]{answer} = $message->{text}{S};
        }
    }
    return @turns;
}

# What may be there of a turn whose end nobody told the client; of one that failed nothing.
sub may_be_saved {
    my ($records, $request) = @_;
    return 0 if $request->{foreign};
    return $request->{saved} || $request->{unsaved} || $request->{end} ne 'answer';
}

sub judge_item {
    my ($records, $index, $session, $item) = @_;
    my @turns = turns_of($item);
    my (@found, %seen);
    for my $turn (@turns) {
        my $request = $index->{request}{ $turn->{id} };
        my $wrong = !$request ? 'a turn that nobody has asked'
            : $seen{ $turn->{id} }++ ? 'a turn that was saved twice'
            : (session_of($request) // $session) ne $session ? "a turn of session " . session_of($request)
            : $turn->{message} ne $request->{message} ? 'another message'
            : index($request->{text}, $turn->{answer} // '') != 0 ? 'another answer'
            : ($turn->{answer} // '') ne $request->{text} && !may_end_early($request) ? 'a part of the answer'
            : !may_be_saved($records, $request) ? 'a turn that has failed' : next;
        push @found, violation('saved', $turn->{id}, "$session has $wrong");
    }
    my $count = $item->{turns}{N} // 0;
    push @found, violation('saved', $turns[-1]{id}, "$session counts $count turns and has " . @turns) if @turns && $count != @turns;
    push @found, violation('saved', $turns[-1]{id}, "$session has version $item->{version}{N} and $count turns")
        if @turns && $item->{version}{N} < $count;
    return @found;
}

# Turns that were saved one after the other are there in this order.
sub judge_order {
    my ($index, $session, $item, @saved) = @_;
    my @turns = turns_of($item);
    my %place = map { $turns[$_]{id} => $_ } 0 .. $#turns;
    my @found = map { violation('saved', $_->{id}, "its turn was saved, and is not in $session") } grep { !exists $place{ $_->{id} } } @saved;
    my ($latest, $place) = (0, -1);
    for my $request (sort { $a->{ended} <=> $b->{ended} } grep { exists $place{ $_->{id} } } @saved) {
        push @found, violation('saved', $request->{id}, "it stands in $session before one that was saved before it was asked")
            if $latest && $request->{began} > $latest && $place{ $request->{id} } < $place;
        ($latest, $place) = ($request->{ended}, $place{ $request->{id} });
    }
    return @found;
}

sub saves_kept {
    my ($records, $index) = @_;
    my %item = map { $_->{session_id}{S} => $_ } @{ $records->{items} };
    my (@found, %saved);
    for my $request (grep { $_->{saved} } @{ $records->{requests} }) {
        push @{ $saved{ session_of($request) } }, $request;
        push @found, violation('saved', $request->{id}, 'somebody else\'s session was his') if $request->{foreign};
    }
    push @found, map { judge_item($records, $index, $_, $item{$_}) } sort keys %item;
    push @found, map { judge_order($index, $_, $item{$_} // {}, @{ $saved{$_} }) } sort keys %saved;
    return @found;
}

# ---- 6: metrics ----

# What a sample has grown by over the round, summed over those whose labels match.
sub grown {
    my ($records, $name, $pattern) = @_;
    my ($after, $before) = ($records->{prometheus}, $records->{before}{prometheus} // {});
    return sum0(map { $after->{$_} - ($before->{$_} // 0) } grep { /^\Q$name\E(?:\{|$)/ && $_ =~ ($pattern // qr//) } keys %$after);
}

sub delivered {
    my ($records, $what, $name, %dimensions) = @_;
    my $key = join ' ', $name, map { "$_=$dimensions{$_}" } sort keys %dimensions;
    return (($records->{cloudwatch}{$key} // {})->{$what} // 0) - (($records->{before}{cloudwatch}{$key} // {})->{$what} // 0);
}

# A child that was killed between its last call of CloudWatch and what it noted of it: it is made again.
sub is_delivered_twice {
    my ($records) = @_;
    return scalar grep { $_->{operation} eq 'PutMetricData' && $_->{status} == 200 && $_->{outcome} ne 'answered' } @{ $records->{journal} };
}

sub logged_outcomes {
    my ($records) = @_;
    my %count;
    for my $line (grep { $_->{outcome} ne '-' } @{ $records->{log} }) {
        my ($endpoint) = $line->{path} =~ m{^(/[^/]+)};
        $count{"endpoint=\"$endpoint\",status=\"$line->{status}\",code=\"$line->{outcome}\""}++;
    }
    return \%count;
}

# Requests whose line of the log was lost with a child.
sub lost_lines {
    my ($records) = @_;
    my %is_logged = map { $_->{id} => 1 } @{ $records->{log} };
    return scalar grep { !$is_logged{ $_->{id} } && is_killed($records, $_) } @{ $records->{requests} };
}

# Pairs of numbers that are the same, but for what was counted and lost its line: it is counted first.
sub compare {
    my ($lost, @pairs) = @_;
    return map { violation('metrics', undef, "$_->[0]: $_->[1] are counted, $_->[2] happened") }
        grep { my $more = $_->[1] - $_->[2]; $more < -1e-6 || $more > $lost * ($_->[3] // 1) + 1e-6 } @pairs;
}

sub counted_as_logged {
    my ($records, $lost) = @_;
    my $logged = logged_outcomes($records);
    my %labels = map { $_ => 1 } keys %$logged, map { /^chatbot_requests_total\{(.*)\}/ ? $1 : () } keys %{ $records->{prometheus} };
    my @pairs = map { [ $_, grown($records, "chatbot_requests_total{$_}"), $logged->{$_} // 0 ] } sort keys %labels;
    my $total = sum0(values %$logged);
    my $note = sub { my ($name) = @_; return sum0(map { $_->{$name} ne '-' ? $_->{$name} : 0 } @{ $records->{log} }) };
    my $with = sub { my ($outcome) = @_; return scalar grep { $_->{outcome} eq $outcome } @{ $records->{log} } };
    push @pairs, [ 'requests', sum0(map { $_->[1] } @pairs), $total ],
        [ 'durations', grown($records, 'chatbot_request_duration_seconds_count'), $total ],
        [ 'tokens', grown($records, 'chatbot_tokens_total'), $note->('tokens'), 5000 ],
        [ 'retries', grown($records, 'chatbot_retries_total'), $note->('retries'), 3 ],
        [ 'clients gone', grown($records, 'chatbot_client_gone_total'), $with->('client_gone') ],
        [ 'rate limited', grown($records, 'chatbot_rate_limited_total'), $with->('rate_limited') ],
        [ 'in flight', $records->{prometheus}{chatbot_in_flight}, 0, 0 ];
    return compare($lost, @pairs);
}

sub delivered_as_counted {
    my ($records) = @_;
    my @pairs;
    for my $endpoint (map { /^chatbot_request_duration_seconds_count\{endpoint="(.*)"\}/ ? $1 : () } sort keys %{ $records->{prometheus} }) {
        my $here = qr/endpoint="\Q$endpoint\E"/;
        my $all  = grown($records, 'chatbot_requests_total', $here);
        my $good = grown($records, 'chatbot_requests_total', qr/$here.*code="success"/);
        push @pairs, [ "$endpoint success", delivered($records, 'sum', 'ChatRequest', Endpoint => $endpoint, Status => 'Success'), $good ],
            [ "$endpoint error", delivered($records, 'sum', 'ChatRequest', Endpoint => $endpoint, Status => 'Error'), $all - $good ],
            [ "$endpoint durations", delivered($records, 'count', 'ProcessingTime', Endpoint => $endpoint), $all ];
        push @pairs, map { [ "$endpoint $_->[0]", delivered($records, 'sum', $_->[0], Endpoint => $endpoint), grown($records, $_->[1], $here), $_->[2] ] }
            [ 'TokensUsed', 'chatbot_tokens_total' ], [ 'Retries', 'chatbot_retries_total' ], [ 'ClientGone', 'chatbot_client_gone_total' ],
            [ 'RateLimited', 'chatbot_rate_limited_total' ], [ 'UnsavedSessions', 'chatbot_unsaved_sessions_total' ];
    }
    my $twice = is_delivered_twice($records);
    return map { violation('metrics', undef, "$_->[0]: CloudWatch has $_->[1] of $_->[2]") }
        grep { $_->[1] < $_->[2] - 0.001 * ($_->[2] > 1000) || (!$twice && $_->[1] > $_->[2] + 0.001 * ($_->[2] > 1000)) } @pairs;
}

# Unsaved answers, as their clients were told.
sub unsaved_as_told {
    my ($records, $lost) = @_;
    my $counted = grown($records, 'chatbot_unsaved_sessions_total');
    my $told    = grep { $_->{unsaved} } @{ $records->{requests} };
    my $untold  = grep { !$_->{unsaved} && !$_->{saved} } @{ $records->{requests} };
    return if $counted >= $told - $lost && $counted <= $told + $untold;
    return violation('metrics', undef, "unsaved: $counted are counted, $told were told, $untold may not have been");
}

sub metrics_agree {
    my ($records) = @_;
    my $lost = lost_lines($records);
    return (counted_as_logged($records, $lost), delivered_as_counted($records), unsaved_as_told($records, $lost));
}

# ---- 7: the rate limit ----

# Nobody had more than the quota, and nobody was refused who had less.
sub limits_kept {
    my ($records) = @_;
    my (%allowed, %refused, %perhaps);
    for my $line (grep { $_->{path} eq '/limited' } @{ $records->{log} }) {
        push @{ $refused{ $line->{client} } }, $line->{id} if $line->{outcome} eq 'rate_limited';
        push @{ $allowed{ $line->{client} } }, $line->{id} if $line->{outcome} !~ $NOT_ASKED;
    }
    $perhaps{ $_->{client} }++ for grep { $_->{client} && !$_->{invalid} && ($_->{error} // '') ne 'rate_limited' } @{ $records->{requests} };
    my @many = grep { @{ $allowed{$_} } > $records->{quota} } sort keys %allowed;
    my @few  = grep { ($perhaps{$_} // 0) < $records->{quota} } sort keys %refused;
    return ((map { violation('limit', $allowed{$_}[-1], "client $_ had " . @{ $allowed{$_} } . " chats of $records->{quota}") } @many),
        (map { violation('limit', $refused{$_}[0], "client $_ was refused with $perhaps{$_} chats of $records->{quota}") } @few));
}

# ---- all of it ----

my %CHECKS = ('ended once' => \&ended_once, text => \&text_is_whole, 'invoked again' => \&invoked_once, session => \&sessions_apart,
    saved => \&saves_kept, metrics => \&metrics_agree, limit => \&limits_kept);

# What is wrong: { check, id (undef: of no one request), text } each; none when all is well. Of these checks, or of all.
sub violations {
    my ($records, @checks) = @_;
    my $index = by_id($records);
    return map { $CHECKS{$_}->($records, $index) } @checks ? @checks : sort keys %CHECKS;
}

# One line of a record's plain values.
sub line_of {
    my ($record) = @_;
    my @parts;
    for my $name (grep { !/^(?:head|body|chosen|headers|text|access_key|signature)$/ } sort keys %$record) {
        my $value = $record->{$name} // next;
        $value = join ',', map { "$_:$value->{$_}" } sort keys %$value if ref $value eq 'HASH';
        $value = join '|', @$value if ref $value eq 'ARRAY';
        $value =~ s/[^ -~]/?/g;
        push @parts, "$name=" . substr($value, 0, 160);
    }
    return "@parts";
}

# All records of a request, a line each; of its session's table too.
sub story {
    my ($records, $id) = @_;
    my $index   = by_id($records);
    my $request = $index->{request}{$id} // { id => $id };
    my $session = session_of($request) // '';
    my ($item)  = grep { $_->{session_id}{S} eq $session } @{ $records->{items} };
    my @table = grep { $_->{operation} ne 'InvokeAgent' && ($_->{session} // '') eq $session && $session ne '' } @{ $records->{journal} };
    my @turns = $item ? turns_of($item) : ();
    return ('client: ' . line_of($request), (map { 'log: ' . line_of($_) } @{ $index->{log}{$id} // [] }),
        (map { 'agent: ' . line_of($_) } @{ $index->{calls}{$id} // [] }),
        (map { 'table: ' . line_of($_) } @table),
        $item ? "item: $session: turns=$item->{turns}{N} version=$item->{version}{N}: " . join ' ', map { $_->{id} } @turns : ());
}

1;
