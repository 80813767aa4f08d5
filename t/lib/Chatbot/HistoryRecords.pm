# What the stand-in, the access log and the metrics say of a round of the history checker, beside what its
# clients know: the records that Chatbot::History judges.
package Chatbot::HistoryRecords;

use strict;
use warnings;
use IO::Socket::INET;
use POSIX qw(strftime);
use Chatbot::HistoryAnswer qw(decode);
use Chatbot::Httpd;

# Longer than any call takes; how many calls the stand-in keeps, and how many are read at once.
my $CALL_SECONDS = 8;
my $KEPT         = 20_000;
my $AT_ONCE      = 500;

# For the server's configuration: what is read here.
our $LOG = 'CustomLog history_log "id=%{X-Request-ID}i note=%{chatbot-request-id}n path=%U status=%>s '
    . 'session=%{chatbot-session}n outcome=%{chatbot-outcome}n tokens=%{chatbot-tokens}n retries=%{chatbot-retries}n '
    . 'aws=%{chatbot-aws-request-id}n client=%{X-Client}i child=%P port=%{remote}p bytes=%O ms=%{ms}T"';

sub new {
    my ($class, %option) = @_;    # server, table
    return bless { %option, after => 0, log_at => 0, journal => [], log => [] }, $class;
}

# A JSON document of a port.
sub _fetch {
    my ($port, $path) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, Timeout => 10) or die "port $port: $@";
    print $socket "GET $path HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
    local $/ = undef;
    my $answer = <$socket> // '';
    $answer =~ s/\AHTTP\/1\.1 200.*?\r\n\r\n//s or die "GET $path: " . substr($answer, 0, 300);
    return $answer;
}

sub _control { my ($self, $path) = @_; return decode(_fetch($self->{server}->emulator->aws_port, "/_emulator/$path")) }

# The calls behind the last one that was read, before that time.
sub _read_calls {
    my ($self, $before) = @_;
    while (1) {
        my $limit = $self->{after} ? $AT_ONCE : $KEPT;    # after=0 asks for the last ones
        my $calls = $self->_control("requests?after=$self->{after}&limit=$limit")->{requests};
        die 'the stand-in has forgotten calls' if @$calls && $calls->[0]{sequence} != $self->{after} + 1;
        my @old = grep { $_->{time} lt $before } @$calls;
        push @{ $self->{journal} }, @old;
        $self->{after} = $old[-1]{sequence} if @old;
        return if @old < $limit;
    }
}

# To be called often: the stand-in forgets the oldest. Those that may not have ended are left.
sub read_journal {
    my ($self, $now) = @_;
    return $self->_read_calls(strftime('%Y-%m-%dT%H:%M:%S', gmtime($now - $CALL_SECONDS)));
}

sub read_log {
    my ($self) = @_;
    open(my $file, '<', $self->{server}->dir . '/history_log') or return;
    seek($file, $self->{log_at}, 0);
    while (my $line = <$file>) {
        last if $line !~ /\n\z/;
        $self->{log_at} += length $line;
        push @{ $self->{log} }, { map { split /=/, $_, 2 } split ' ', $line };
    }
    return;
}

# The samples of GET /metrics.
sub prometheus {
    my ($self) = @_;
    my $text = _fetch($self->{server}->port, '/metrics');
    return { map { /^([a-z]\S*) (\S+)$/ ? ($1 => $2) : () } split /\n/, $text };
}

# CloudWatch's sums: "name dimension=value ..." => { sum, count }.
sub cloudwatch {
    my ($self) = @_;
    my %sums;
    for my $metric (@{ $self->_control('metrics')->{metrics} }) {
        my $dimensions = $metric->{dimensions};
        $sums{ join ' ', $metric->{name}, map { "$_=$dimensions->{$_}" } sort keys %$dimensions } =
            { sum => $metric->{sum}, count => $metric->{count} };
    }
    return \%sums;
}

# Waits, for so many seconds, until nothing is under way and what was counted is delivered; then all of the
# round is read. What is not done by then shows in the judgement.
sub settle {
    my ($self, $seconds, $requests) = @_;
    my $unlogged = sub {
        $self->read_log;
        my %logged = map { $_->{id} => 1 } @{ $self->{log} };
        return grep { $_->{end} eq 'answer' && !$_->{killed} && !$logged{ $_->{id} } } @$requests;
    };
    Chatbot::Httpd::wait_for($seconds, sub {
        return 0 if $unlogged->() || grep { $_->{in_progress} } values %{ $self->{server}->emulator->state->{operations} };
        my $samples = $self->prometheus;
        return $samples->{chatbot_in_flight} == 0 && $samples->{chatbot_metrics_undelivered_requests} == 0;
    });
    $self->read_log;
    $self->_read_calls('9');
    return { requests => $requests, log => $self->{log}, journal => $self->{journal}, items => $self->_control("tables/$self->{table}")->{items},
        prometheus => $self->prometheus, cloudwatch => $self->cloudwatch };
}

# A new round: what was read is forgotten, by the logs too.
sub forget {
    my ($self) = @_;
    truncate($self->{server}->dir . "/$_", 0) for qw(history_log access_log notes_log error_log);
    @$self{qw(log log_at journal)} = ([], 0, []);
    return;
}

1;
