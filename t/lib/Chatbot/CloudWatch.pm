# What receives PutMetricData in tests: a process of its own that keeps each call, and answers as it is told.
package Chatbot::CloudWatch;

use strict;
use warnings;
use Carp qw(croak);
use File::Path qw(remove_tree);
use File::Temp qw(tempdir);
use IO::Select;
use IO::Socket::INET;
use JSON::PP ();
use POSIX ();
use Time::HiRes qw(time);

sub start {
    my ($class) = @_;
    my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 64, ReuseAddr => 1) // croak "listen: $@";
    my $self = bless { port => $listener->sockport, dir => tempdir('cloudwatch-XXXXXX', TMPDIR => 1), owner => $$ },
        $class;
    my $parent = $$;
    $self->{pid} = fork() // croak "fork: $!";
    if ($self->{pid} == 0) {
        $SIG{TERM} = 'DEFAULT';
        _serve($listener, $self->{dir}, $parent);
        POSIX::_exit(0);
    }
    return $self;
}

sub url { return "http://127.0.0.1:$_[0]{port}" }

# From now on: 0 for success, a status (500) for an error, "hang" for no answer, "lost" for one that ends early.
sub answer_with {
    my ($self, $what) = @_;
    open(my $file, '>', "$self->{dir}/new") or croak $!;
    print $file $what;
    close $file;
    rename("$self->{dir}/new", "$self->{dir}/answer") or croak $!;
    return;
}

# The calls so far, oldest first: {at, head, body (decoded), taken (1: answered with success)}.
sub calls {
    my ($self) = @_;
    my @lines;
    if (open(my $file, '<', "$self->{dir}/calls")) {
        @lines = grep { /\n\z/ } <$file>;
    }
    return map { JSON::PP->new->decode($_) } @lines;
}

# Values of a metric in the calls taken, all dimensions given being equal: [value, count] pairs.
sub values_of {
    my ($self, $metric, %dimensions) = @_;
    my @values;
    for my $datum (map { @{ $_->{body}{MetricData} } } grep { $_->{taken} } $self->calls) {
        my %has = map { $_->{Name} => $_->{Value} } @{ $datum->{Dimensions} };
        next if $datum->{MetricName} ne $metric || grep { ($has{$_} // '') ne $dimensions{$_} } keys %dimensions;
        push @values, map { [ $datum->{Values}[$_], $datum->{Counts}[$_] ] } 0 .. $#{ $datum->{Values} };
    }
    return @values;
}

sub sum_of {
    my ($self, @what) = @_;
    my $sum = 0;
    $sum += $_->[0] * $_->[1] for $self->values_of(@what);
    return $sum;
}

sub count_of {
    my ($self, @what) = @_;
    my $count = 0;
    $count += $_->[1] for $self->values_of(@what);
    return $count;
}

# ---- the process ----

sub _answer {
    my ($dir) = @_;
    open(my $file, '<', "$dir/answer") or return '0';
    return <$file> // '0';
}

sub _keep {
    my ($dir, $head, $body, $answer) = @_;
    open(my $file, '>>', "$dir/calls") or die "calls: $!";
    print $file JSON::PP->new->canonical->encode({ at => time(), head => $head,
        body => JSON::PP->new->utf8->decode($body), bytes => length $body, taken => $answer eq '0' ? 1 : 0 }) . "\n";
    close $file;
    return;
}

# One whole request out of what a connection sent; 1 when the connection stays.
sub _one {
    my ($socket, $dir, $buffer) = @_;
    return 1 if $$buffer !~ /\A(.*?\r\n\r\n)/s;
    my $head = $1;
    my ($length) = $head =~ /^content-length: *(\d+)/mi;
    return 1 if length($$buffer) < length($head) + ($length // 0);
    my $body = substr($$buffer, length($head), $length // 0);
    substr($$buffer, 0, length($head) + ($length // 0), '');
    my $answer = _answer($dir);
    _keep($dir, $head, $body, $answer);
    return 1 if $answer eq 'hang';
    if ($answer eq 'lost') {
        syswrite($socket, "HTTP/1.1 200 OK\r\nContent-Le");
        return 0;
    }
    my $text = $answer eq '0' ? '{}' : '{"__type":"InternalServiceError","message":"a test"}';
    syswrite($socket, sprintf("HTTP/1.1 %d Said\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: %d\r\n"
        . "x-amzn-RequestId: 00000000-0000-4000-8000-000000000000\r\n\r\n%s", $answer || 200, length $text, $text));
    return 1;
}

sub _serve {
    my ($listener, $dir, $parent) = @_;
    my $select = IO::Select->new($listener);
    my %buffer;
    while (getppid() == $parent) {
        for my $socket ($select->can_read(0.5)) {
            if ($socket == $listener) {
                $select->add($listener->accept // next);
                next;
            }
            my $read = sysread($socket, $buffer{$socket} //= '', 65536, length $buffer{$socket});
            next if $read && _one($socket, $dir, \$buffer{$socket});
            delete $buffer{$socket};
            $select->remove($socket);
            close $socket;
        }
    }
    return;
}

sub DESTROY {
    my ($self) = @_;
    return if $self->{owner} != $$;
    local $?;
    kill('TERM', $self->{pid});
    waitpid($self->{pid}, 0);
    remove_tree($self->{dir});
    return;
}

1;
