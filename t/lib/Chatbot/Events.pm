# Server-Sent Events as a client reads them (WHATWG HTML, 9.2.6): a body, or a stream as it comes.
package Chatbot::Events;

use strict;
use warnings;
use Exporter qw(import);
use JSON::PP ();
use Time::HiRes qw(time);

our @EXPORT_OK = qw(events_of text_of);

# The events of a text: { event, data, json }, comments as { comment }.
sub events_of {
    my ($text) = @_;
    my @events;
    for my $block (split /\n\n/, $text) {
        my %event = (event => 'message');
        for my $line (split /\n/, $block) {
            if ($line =~ /^:(.*)/) { push @events, { comment => $1 } }
            elsif ($line =~ /^(\w+): ?(.*)/) {
                $event{$1} = $1 eq 'data' && defined $event{data} ? "$event{data}\n$2" : $2;
            }
        }
        next if !defined $event{data};
        $event{json} = eval { JSON::PP->new->utf8->decode($event{data}) };
        push @events, \%event;
    }
    return @events;
}

# The text of all deltas.
sub text_of { return join '', map { $_->{json}{text} } grep { ($_->{event} // '') eq 'delta' } @_ }

# A chat whose answer is read as it comes, on a connection of its own. headers: more of them.
sub open {
    my ($class, $server, $chat, %option) = @_;
    my $client = $server->client(%{ $option{client} || {} });
    $client->send($client->compose('POST', $option{path} // '/chat',
        body => { stream => JSON::PP::true, %$chat }, headers => $option{headers} || {}));
    return bless { client => $client, raw => '', events => [], timeout => $option{timeout} || 10 }, $class;
}

sub client { return $_[0]{client} }

# Reads until the head is there; its text.
sub head {
    my ($self) = @_;
    $self->_read_until(sub { defined $self->{head} });
    return $self->{head};
}

sub _take {
    my ($self) = @_;
    if (!defined $self->{head}) {
        $self->{raw} =~ s/\A((?:HTTP\/1\.1 1.*?\r\n\r\n)*.*?)\r\n\r\n//s or return;
        $self->{head} = $1;
    }
    while ($self->{raw} =~ /\A([0-9a-fA-F]+)[^\r\n]*\r\n/ && length $self->{raw} >= $+[0] + hex($1) + 2) {
        my ($from, $size) = ($+[0], hex $1);
        $self->{text} .= substr $self->{raw}, $from, $size;
        substr($self->{raw}, 0, $from + $size + 2) = '';
        $self->{ended} = 1 if $size == 0;
    }
    while (defined $self->{text} && $self->{text} =~ s/\A(.*?\n\n)//s) {
        push @{ $self->{events} }, map { { %$_, at => time() } } events_of($1);
    }
}

sub _read_until {
    my ($self, $done) = @_;
    my $deadline = time() + $self->{timeout};
    while (!$done->()) {
        my $left = $deadline - time();
        my $bytes = $left > 0 ? $self->{client}->read_some($left) : undef;
        return 0 if !defined $bytes || $bytes eq '';
        $self->{raw} .= $bytes;
        $self->_take;
    }
    return 1;
}

# The next event (or comment), with the time it came `at`; undef when none came.
sub next_event {
    my ($self) = @_;
    $self->_read_until(sub { @{ $self->{events} } }) or return undef;
    return shift @{ $self->{events} };
}

# All events until the end of the body.
sub rest {
    my ($self) = @_;
    $self->_read_until(sub { $self->{ended} });
    return splice @{ $self->{events} };
}

# Whether the body has ended as HTTP wants it.
sub ended { return $_[0]{ended} }

1;
