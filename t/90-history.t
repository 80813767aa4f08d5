#!/usr/bin/env perl
# The history checker: a load with an id in every message, faults in everything that AWS answers, restarts,
# children killed, clients that leave. Afterwards the records of all sides must tell one story. HISTORY_SEED
# repeats a load; SOAK_REQUESTS or SOAK_SECONDS make rounds of 10,000 requests of it (make soak).
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use List::Util qw(first);
use Time::HiRes qw(time);
use Chatbot::History;
use Chatbot::HistoryClients;
use Chatbot::HistoryPlan;
use Chatbot::HistoryPlants;
use Chatbot::HistoryRecords;
use Chatbot::HistoryTrouble;
use Chatbot::Server;

my $slow     = $ENV{SANITIZER} ? 4 : 1;
my $requests = $ENV{HISTORY_REQUESTS} || ($ENV{SANITIZER} ? 1500 : 10_000);
my $is_soak  = $ENV{SOAK_REQUESTS} || $ENV{SOAK_SECONDS};
my $seed     = $ENV{HISTORY_SEED} || ($is_soak ? 1 + int rand 1_000_000 : 1);
my $quota    = 60;
my $TABLE    = 'chat_sessions';
my $started  = time();

sub start {
    my $emulator = Chatbot::Emulator->start;
    $emulator->create_table($TABLE, 'session_id');
    return Chatbot::Server->start(emulator => $emulator, quiet => 0, children => 4, threads => 8,
        log_level => 'info chatbot:info', env => { CHAT_SESSIONS_TABLE => $TABLE }, chatbot => <<"CONF", config => <<"MORE");
ChatbotTimeout total=4 first=2 idle=1 stream=6
ChatbotRateLimit Off
ChatbotMetrics cloudwatch
ChatbotMetricsInterval 1s
ChatbotSessionHistory 1000
ChatbotStreamHeartbeat 500ms
ChatbotCircuitBreaker errors=50% min=20 window=5s open=500ms
CONF
# Of two processes more than it may have, as after a kill in a restart, the MPM tells one to end.
MaxRequestWorkers 96
<Location "/limited">
    SetHandler chatbot
    ChatbotRateLimit $quota 1h
    ChatbotRateLimitKey %{HTTP:X-Client}
</Location>
<Location "/v1">
    SetHandler chatbot-openai
</Location>
<Location "/metrics">
    SetHandler chatbot-metrics
</Location>
$Chatbot::HistoryRecords::LOG
MORE
}

# One load from its first request to its records.
sub load {
    my ($server, $records, $round) = @_;
    my $before  = { prometheus => $records->prometheus, cloudwatch => $records->cloudwatch };
    my $plan    = Chatbot::HistoryPlan->new(seed => $round, sessions => 400, limited => int($requests / 600) || 1);
    my $trouble = Chatbot::HistoryTrouble->new(server => $server, seed => $round, restart => $requests / 7, kill => $requests / 5.5);
    my (@requests, $clients);
    $clients = Chatbot::HistoryClients->new(
        port     => $server->port,
        count    => 100,
        patience => 30 * $slow,
        next     => sub { return if @requests >= $requests; push @requests, $plan->next_request; return $requests[-1] },
        ended    => sub { $plan->ended($_[0]) },
        tick     => sub { $trouble->tick($_[0], scalar @requests, $clients); $records->read_journal($_[0]) },
    );
    my $began = time();
    $clients->run;
    my $took = time() - $began;
    $server->emulator->faults;
    my $history = $records->settle(30, \@requests);
    @$history{qw(before kills restarts quota took)} = ($before, $trouble->{kills}, $trouble->{restarts}, $quota, $took);
    return $history;
}

# What the load had in it, so that none of it is missing unnoticed.
sub counts {
    my ($history) = @_;
    my %by_id = map { $_->{id} => $_ } @{ $history->{requests} };
    my %count = (restarts => $history->{restarts}, kills => scalar @{ $history->{kills} });
    for my $call (@{ $history->{journal} }) {
        my $request = ($call->{message} // '') =~ /\A$Chatbot::History::ID/ ? $by_id{$1} : undef;
        $count{calls}++;
        $count{faults}++ if $call->{faults} || ($request && $request->{is_faulty});
    }
    for my $request (@{ $history->{requests} }) {
        $count{ $request->{killed} ? 'killed' : Chatbot::History::is_unheard($request) ? 'unheard' : $request->{end} }++;
        $count{ $request->{error} // ($request->{done} ? 'success' : 'no answer') }++;
        $count{half}++ if $request->{half};
        $count{saved}++ if $request->{saved};
        $count{unsaved}++ if $request->{unsaved};
        $count{cut_streams}++ if defined $request->{text_got} && !$request->{done};
    }
    return \%count;
}

sub report {
    my ($server, $history) = @_;
    my @violations = Chatbot::History::violations($history);
    my %told;
    for my $violation (@violations[ 0 .. ($#violations > 19 ? 19 : $#violations) ]) {
        diag("violation of '$violation->{check}': " . ($violation->{id} // 'all') . ": $violation->{text}");
        next if !defined $violation->{id} || keys %told > ($ENV{STORIES} || 4) || $told{ $violation->{id} }++;
        diag("    $_") for Chatbot::History::story($history, $violation->{id}),
            map { "error log: $_" } grep { /\Q$violation->{id}\E\b/ } split /\n/, $server->error_log;
    }
    return @violations;
}

sub is_found {
    my ($check, $text, $planted, $request) = @_;
    return scalar grep { $_->{check} eq $check && $_->{text} =~ $text && (!$request || ($_->{id} // '') eq $request->{id}) }
        Chatbot::History::violations($planted, $check);
}

# Whether each kind of violation would have been found in these records.
sub finds_what_is_planted {
    my ($history) = @_;
    my @tries;
    my $planted = sub { my ($try, $index) = @_; return @{ ($tries[$try] //= [ Chatbot::HistoryPlants::plants($history, $try) ])->[$index] } };
    $planted->(0, 0);
    for my $index (0 .. $#{ $tries[0] }) {
        my ($check, $text) = $planted->(0, $index);
        ok(defined(first { is_found($planted->($_, $index)) } 0 .. 3), "$check: $text");
    }
    return;
}

my $server  = start();
$server->expect_killed;
my $records = Chatbot::HistoryRecords->new(server => $server, table => $TABLE);
my $rounds = $ENV{SOAK_REQUESTS} ? int(($ENV{SOAK_REQUESTS} + $requests - 1) / $requests) : 1;
for (my $round = 0; $ENV{SOAK_SECONDS} ? time() - $started < $ENV{SOAK_SECONDS} : $round < $rounds; $round++) {
    my $history = load($server, $records, $seed + $round);
    my $count   = counts($history);
    note(sprintf 'HISTORY_SEED=%d: %.1f s: %s', $seed + $round, $history->{took}, join ', ', map { "$_ $count->{$_}" } sort keys %$count);
    cmp_ok($count->{faults}, '>=', $count->{calls} / 20, 'faults in one of twenty calls, or more');
    ok($count->{restarts} && $count->{kills} && $count->{left}, 'restarts, children killed, clients that left');
    my @violations = report($server, $history);
    is(scalar @violations, 0, "HISTORY_SEED=" . ($seed + $round) . ": no violation in $requests requests") or last;
    subtest 'each kind of violation is found where it is planted' => sub { finds_what_is_planted($history) } if !$round;
    $records->forget;
    $server->emulator->create_table($TABLE, 'session_id');
}
$server->stop_ok;
done_testing;
