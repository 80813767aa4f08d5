# What is done to the server and to AWS while the clients of the history checker ask: graceful restarts,
# children killed, faults of every service that change by the second.
package Chatbot::HistoryTrouble;

use strict;
use warnings;
use Time::HiRes qw(time);
use Chatbot::Httpd;

sub rule { my ($operation, $percent, $commands, $seed) = @_; return { operation => $operation, percent => $percent,
    commands => $commands, seed => $seed } }

# Of the session's table; {{act}}: it was done, and its answer is lost.
my @TABLE = map { ($_, "{{act}}$_") } '{{reset}}', '{{error InternalServerError}}', '{{garbage}}', '{{cut 1}}', '{{cut-hard 1}}',
    '{{html 503}}', '{{reset-after 1}}', '{{status 500}}';
push @TABLE, '{{error ProvisionedThroughputExceeded}}', '{{error ThrottlingException}}', '{{error RequestLimitExceeded}}',
    '{{error TransactionInProgress}}', '{{wrong-crc32}}', '{{delay 30}}', '{{drop}}', '{{no-date}}', '{{split 20}}';

# That refuse a call of an agent before it is begun.
my @REFUSALS = ('{{error ThrottlingException}}', '{{error ModelNotReadyException}}', '{{status 503}}',
    '{{stream-error throttlingException}}');

# What a share of the calls gets, by the kind of the second.
sub _rules {
    my ($kind, $seed) = @_;
    my $n = 0;
    my %share = (calm => 0, rough => 1, table => 5, agent => 1);
    my @rules = map { my $command = $_; map { rule($_, $share{$kind}, $command, $seed + ++$n) } qw(PutItem UpdateItem) } @TABLE;
    push @rules, map { rule($_, $kind eq 'table' ? 2 : 1, '{{act}}{{hang}}', $seed + ++$n) } qw(PutItem UpdateItem DeleteItem);
    push @rules, rule('DeleteItem', 20, $TABLE[ $seed % @TABLE ], $seed + ++$n);
    # One at a time: of several that hit a call the journal has the last one only.
    push @rules, rule('InvokeAgent', $kind eq 'agent' ? 60 : 4 * $share{$kind}, $REFUSALS[ $seed % @REFUSALS ], $seed + ++$n);
    push @rules, map { rule('PutMetricData', 20, $_, $seed + ++$n) } '{{error InternalServiceError 500}}', '{{reset}}',
        '{{error Throttling}}';
    push @rules, rule('PutMetricData', 5, '{{hang}}', $seed + ++$n);
    return grep { $_->{percent} > 0 } @rules;
}

# server; seed; restart, kill: after how many requests each time. With two restarts in a second httpd would
# run out of places for the children that end.
sub new {
    my ($class, %option) = @_;
    return bless { %option, restart_at => $option{restart}, kill_at => $option{kill}, faults_at => 0, restarted_at => 0,
        restarts => 0, kills => [], kinds => 0 }, $class;
}

sub _slurp { return Chatbot::Httpd::_slurp($_[0]) }

# The ports of the clients whose connections that process holds.
sub _ports_of {
    my ($self, $pid) = @_;
    my %inode = map { (readlink($_) // '') =~ /^socket:\[(\d+)\]$/ ? ($1 => 1) : () } glob("/proc/$pid/fd/*");
    my $local = sprintf '0100007F:%04X', $self->{server}->port;
    my %ports;
    for my $line (split /\n/, _slurp('/proc/net/tcp')) {
        my (undef, $here, $there, @rest) = split ' ', $line;
        next if $here ne $local || !$inode{ $rest[6] };
        $ports{ hex((split /:/, $there)[1]) } = 1;
    }
    return \%ports;
}

# Stopped before it is looked at, so that it takes no connection in between. `clients` has the requests.
sub kill_child {
    my ($self, $clients) = @_;
    my @children = $self->{server}->children or return;
    my $pid = $children[ rand @children ];
    kill('STOP', $pid) or return;
    my $stopped = Chatbot::Httpd::wait_for(2, sub { _slurp("/proc/$pid/stat") =~ /^\d+ \(.*\) [TZXt]/ });
    my $ports = $stopped ? $self->_ports_of($pid) : {};
    my $at = time();
    kill('KILL', $pid);
    $_->{killed} = 1 for $clients->requests_at($ports);
    push @{ $self->{kills} }, { at => $at, pid => $pid, ports => $ports };
    return;
}

# Now so many requests have begun.
sub tick {
    my ($self, $now, $begun, $clients) = @_;
    if ($now >= $self->{faults_at}) {
        my @kinds = qw(rough rough calm rough table rough agent);
        $self->{server}->emulator->faults(_rules($kinds[ $self->{kinds}++ % @kinds ], $self->{seed} + $self->{kinds}));
        $self->{faults_at} = $now + 1;
    }
    if ($begun >= $self->{restart_at} && $now > $self->{restarted_at} + 2) {
        kill('USR1', $self->{server}->pid);
        $self->{restarts}++;
        $self->{restarted_at} = $now;
        $self->{restart_at} += $self->{restart};
    }
    if ($begun >= $self->{kill_at}) {
        $self->kill_child($clients);
        $self->{kill_at} += $self->{kill};
    }
    return;
}

1;
