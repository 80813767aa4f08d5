# Violations to plant in the records of a load, one of each kind, so that Chatbot::History is seen to find it.
package Chatbot::HistoryPlants;

use strict;
use warnings;
use List::Util qw(first);

# ---- copies of the records with one thing changed ----

sub _with { my ($history, $what, @list) = @_; return { %$history, $what => [@list] } }

sub _changed {
    my ($history, $what, $record, %changes) = @_;
    return _with($history, $what, map { $_ == $record ? { %$record, %changes } : $_ } @{ $history->{$what} });
}

sub _without { my ($history, $what, $record) = @_; return _with($history, $what, grep { $_ != $record } @{ $history->{$what} }) }
sub _added { my ($history, $what, $record, %changes) = @_; return _with($history, $what, @{ $history->{$what} }, { %$record, %changes }) }

sub _counted {
    my ($history, $where, $pattern, $change) = @_;
    my $name = first { $_ =~ $pattern } sort keys %{ $history->{$where} };
    my $value = $history->{$where}{$name};
    $value = ref $value ? { %$value, sum => $value->{sum} + $change } : $value + $change;
    return { %$history, $where => { %{ $history->{$where} }, $name => $value } };
}

# The item with another history: a list of turns, each of two messages.
sub _told {
    my ($history, $item, $change) = @_;
    my @messages = @{ $item->{history}{L} };
    my @turns = $change->(map { [ @messages[ 2 * $_, 2 * $_ + 1 ] ] } 0 .. @messages / 2 - 1);
    return _changed($history, 'items', $item, turns => { N => scalar @turns }, version => { N => scalar @turns },
        history => { L => [ map { @$_ } @turns ] });
}

sub _answered_otherwise {
    my ($turn) = @_;
    return [ $turn->[0], { M => { %{ $turn->[1]{M} }, text => { S => 'another' } } } ];
}

# ---- what is planted in ----

sub _request {
    my ($history, $try, $condition) = @_;
    my @fit = grep { $condition->($_) && !Chatbot::History::is_killed($history, $_) } @{ $history->{requests} };
    return $fit[ $try % @fit ];
}

sub _log_of { my ($history, $request) = @_; return first { $_->{id} eq $request->{id} } @{ $history->{log} } }

sub _call_of {
    my ($history, $request) = @_;
    return first { ($_->{message} // '') =~ /\A\[\Q$request->{id}\E\]/ } @{ $history->{journal} };
}

# Answered well by one call, saved, in a session of several turns; and one after it in the same.
sub _chosen {
    my ($history, $try) = @_;
    my %calls;
    ($_->{message} // '') =~ /\A\[([^\]]+)\]/ and $calls{$1}++ for @{ $history->{journal} };
    my %is_saved = map { $_->{id} => $_ } grep { $_->{saved} && $_->{commands} !~ /cut/ && !Chatbot::History::is_killed($history, $_) }
        @{ $history->{requests} };
    my @fit;
    for my $item (grep { $_->{session_id}{S} =~ /^s\d/ } @{ $history->{items} }) {
        my @requests = grep { defined } map { $is_saved{ $_->{id} } } Chatbot::History::turns_of($item);
        my @turns    = Chatbot::History::turns_of($item);
        next if @turns < 2 || @requests != @turns || $requests[1]{began} <= $requests[0]{ended};
        next if $calls{ $requests[0]{id} } != 1;
        next if $requests[0]{stream} && !defined $requests[0]{whole_text};
        push @fit, [ $item, @requests ];
        last if @fit > $try;
    }
    die 'no session has two turns that were saved' if !@fit;
    return @{ $fit[ $try % @fit ] };
}

# [ check, what is said of it, the records with it, the request it must be reported of ] each, in the same
# order for each try. The trouble of a load may explain what is planted in one request; another try takes others.
sub plants {
    my ($history, $try) = @_;
    my ($item, $one, $two) = _chosen($history, $try);
    my $line   = _log_of($history, $one);
    my $call   = _call_of($history, $one);
    my $fresh  = _request($history, $try, sub { $_[0]{saved} && !defined $_[0]{session} });
    my $left   = _request($history, $try, sub { $_[0]{end} eq 'left' && _log_of($history, $_[0]) && _call_of($history, $_[0]) });
    my $stream = _request($history, $try, sub { defined $_[0]{whole_text} });
    my $partly = _request($history, $try, sub { $_[0]{stream} && defined $_[0]{error} && ($_[0]{text_got} // '') ne '' });
    my $failed = _request($history, $try, sub { $_[0]{end} eq 'answer' && !$_[0]{done} && $_[0]{invalid} });
    my $limited = _request($history, $try, sub { $_[0]{face} eq 'limited' && $_[0]{done} });
    my $change = sub { my ($what, $record, %changes) = @_; return _changed($history, $what, $record, %changes) };
    my $turns  = sub { return _told($history, $item, $_[0]) };
    my @ended = (
        [ qr/never ended/, $change->('requests', $one, end => undef), $one ],
        [ qr/nothing ended it/, $change->('requests', $one, end => 'late'), $one ],
        [ qr/nothing explains it/, $change->('requests', $one, end => 'cut'), $one ],
        [ qr/7 bytes came behind/, $change->('requests', $one, extra => 7), $one ],
        [ qr/without a last event/, $change->('requests', $stream, done => undef), $stream ],
        [ qr/is no answer/, $change->('requests', $stream, garbled => ['{']), $stream ],
        [ qr/neither text nor error/, $change->('requests', $failed, error => 'no JSON'), $failed ],
        [ qr/not in the access log/, _without($history, 'log', $line), $one ],
        [ qr/not in the access log/, _without($history, 'log', _log_of($history, $left)), $left ],
        [ qr/2 lines/, _added($history, 'log', $line), $one ],
        [ qr/has status 500/, $change->('log', $line, status => 500), $one ],
        [ qr/has overloaded/, $change->('log', $line, outcome => 'overloaded'), $one ],
        [ qr/nobody has asked/, _added($history, 'log', $line, id => 'h0-0'), { id => 'h0-0' } ],
        [ qr/it was heard/, $change->('requests', $one, end => 'cut', reused => 1, got => 0), $one ],
    );
    my @text = (
        [ qr/has not said/, $change->('requests', $one, text_got => "$one->{text}!"), $one ],
        [ qr/has not said/, $change->('requests', $partly, text_got => "$partly->{text_got}?"), $partly ],
        [ qr/part of the text/, $change->('requests', $one, text_got => substr($one->{text}, 0, -1)), $one ],
        [ qr/last event has another text/, $change->('requests', $stream, whole_text => 'another'), $stream ],
        [ qr/heard another message/, $change->('journal', $call, message_bytes => 1), $one ],
    );
    my @invoked = (
        [ qr/may have been acted on/, _added($history, 'journal', $call), $one ],
        [ qr/no agent gave/, _without($history, 'journal', $call), $one ],
        [ qr/was not to be asked/, _added($history, 'journal', $call, message => "[$failed->{id}]"), $failed ],
        [ qr/retries of/, $change->('log', $line, retries => -1), $one ],
        [ qr/nobody has asked/, _added($history, 'journal', $call, message => '[h0-0]'), { id => 'h0-0' } ],
    );
    my @session = (
        [ qr/is of session another/, $change->('requests', $one, got_session => 'another'), $one ],
        [ qr/is that of \Q$two->{id}\E/, $change->('requests', $one, text_got => $two->{text}), $one ],
        [ qr/stream is that of/, $change->('requests', $one, event_id => $two->{id}), $one ],
        [ qr/heard it in another/, $change->('journal', $call, session => 'another'), $one ],
        [ qr/log has session another/, $change->('log', $line, session => 'another'), $one ],
        [ qr/new session is that of/, _added($history, 'requests', $fresh, id => 'h0-1'), { id => 'h0-1' } ],
    );
    my @saved = (
        [ qr/was saved, and is not/, _without($history, 'items', $item), $one ],
        [ qr/was saved, and is not/, $turns->(sub { shift; return @_ }), $one ],
        [ qr/saved twice/, $turns->(sub { return ($_[0], @_) }), $one ],
        [ qr/another answer/, $turns->(sub { return (_answered_otherwise(shift), @_) }), $one ],
        [ qr/before one that was saved/, $turns->(sub { my ($first, $second, @rest) = @_; return ($second, $first, @rest) }), $two ],
        [ qr/a turn that has failed/, $change->('requests', $one, saved => 0, done => undef, error => 'upstream_error'), $one ],
        [ qr/a turn of session/, $change->('requests', $one, session => 'another'), $one ],
        [ qr/a turn that nobody/, _without($history, 'requests', $one), $one ],
        [ qr/somebody else's/, $change->('requests', $one, foreign => 1), $one ],
        [ qr/counts 99 turns/, $change->('items', $item, turns => { N => 99 }) ],
        [ qr/has version 0/, $change->('items', $item, version => { N => 0 }) ],
    );
    my $lost = 1 + Chatbot::History::lost_lines($history);
    my @metrics = (
        [ qr/^requests: /, _counted($history, 'prometheus', qr/^chatbot_requests_total.*success/, $lost) ],
        [ qr/^durations: /, _counted($history, 'prometheus', qr/^chatbot_request_duration_seconds_count/, -1) ],
        [ qr/^tokens: /, _counted($history, 'prometheus', qr/^chatbot_tokens_total/, -1) ],
        [ qr/^retries: /, _counted($history, 'prometheus', qr/^chatbot_retries_total/, 3 * $lost + 1) ],
        [ qr/^clients gone: /, _counted($history, 'prometheus', qr/^chatbot_client_gone_total/, -1) ],
        [ qr/^rate limited: /, _counted($history, 'prometheus', qr/^chatbot_rate_limited_total/, $lost) ],
        [ qr/^in flight: /, _counted($history, 'prometheus', qr/^chatbot_in_flight/, 1) ],
        [ qr/^unsaved: /, _counted($history, 'prometheus', qr/^chatbot_unsaved_sessions_total/, -10_000) ],
        [ qr{^/chat success: CloudWatch}, _counted($history, 'cloudwatch', qr{^ChatRequest Endpoint=/chat Status=Success}, -1) ],
        [ qr{^/chat TokensUsed: CloudWatch}, _counted($history, 'cloudwatch', qr{^TokensUsed Endpoint=/chat}, -1) ],
    );
    my @limit = ([ qr/had \d+ chats of 0/, { %$history, quota => 0 } ],
        [ qr/was refused/, { %$history, quota => 100_000 } ]);
    my %of = ('ended once' => \@ended, text => \@text, 'invoked again' => \@invoked, session => \@session, saved => \@saved,
        metrics => \@metrics, limit => \@limit);
    return map { my $check = $_; map { [ $check, @$_ ] } @{ $of{$check} } } sort keys %of;
}

1;
