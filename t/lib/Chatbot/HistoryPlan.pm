# What the clients of the history checker ask: drawn at random from a seed, each request with its id in its
# message, so that whatever is recorded anywhere can be told whose it is.
package Chatbot::HistoryPlan;

use strict;
use warnings;
use utf8;
use Encode qw(encode_utf8);
use JSON::PP ();

# What goes wrong with an agent's call, as commands in the message: weight => command. `N` is a number of bytes.
my @FAULTS = (
    [ 2, '{{error ThrottlingException}}' ],       [ 1, '{{error ModelNotReadyException}}' ],
    [ 1, '{{error ValidationException}}' ],       [ 1, '{{error AccessDeniedException}}' ],
    [ 1, '{{error ServiceQuotaExceeded}}' ],      [ 1, '{{error ResourceNotFound}}' ],
    [ 1, '{{error ConflictException}}' ],         [ 1, '{{error DependencyFailed}}' ],
    [ 1, '{{error InternalServerException}}' ],   [ 1, '{{error BadGatewayException}}' ],
    [ 2, '{{stream-error throttlingException}}' ], [ 2, '{{stream-error throttlingException 2}}' ],
    [ 2, '{{stream-error internalServerException}}' ], [ 2, '{{stream-error internalServerException 3}}' ],
    [ 1, '{{stream-error modelNotReadyException}}' ], [ 1, '{{stream-error badGatewayException 1}}' ],
    [ 1, '{{stream-error dependencyFailedException 1}}' ], [ 1, '{{stream-error validationException 4}}' ],
    [ 1, '{{stream-error-code Broken something broke}}' ], [ 1, '{{empty}}{{stream-error-code Broken at once}}' ],
    [ 1, '{{empty}}' ],        [ 1, '{{reset}}' ],       [ 3, '{{reset-after N}}' ], [ 3, '{{cut N}}' ],
    [ 3, '{{cut-hard N}}' ],   [ 3, '{{bad-crc}}' ],     [ 2, '{{bad-prelude}}' ],   [ 1, '{{garbage}}' ],
    [ 1, '{{status 500}}' ],   [ 1, '{{status 503}}' ],  [ 1, '{{html 502}}' ],      [ 1, '{{html 503}}' ],
    [ 2, '{{drop}}' ],         [ 1, '{{hang}}' ],        [ 2, '{{hang-after 2}}' ],  [ 1, '{{http10}}{{cut N}}' ],
    [ 1, '{{return-control}}' ], [ 1, '{{retry-after 1}}{{error ThrottlingException}}' ],
);

# What only changes the way an answer comes.
my @WAYS = (
    [ 12, '' ], [ 3, '{{delay N}}' ], [ 3, '{{chunk-delay 10}}' ], [ 1, '{{chunk-delay 60}}' ], [ 2, '{{unicode}}' ],
    [ 1, '{{split N}}' ], [ 1, '{{http10}}' ], [ 1, '{{unknown-event}}' ], [ 1, '{{no-tokens}}' ], [ 1, '{{files}}' ],
    [ 1, '{{no-date}}{{no-request-id}}' ],
);

# Of 100 requests each: with a fault in the message, whose client leaves, that only says that it sends no more,
# that are not valid, of a new session, of one that another turn may have, of one that belongs to somebody else.
my %PERCENT = (fault => 14, leave => 5, half => 3, invalid => 2, new => 30, busy => 4, foreign => 3, stream => 45);

my @WORDS = ('grün', 'blue', '赤', '🟡', 'a "quoted" word', 'back\\slash', "line\nbreak", 'tab	stop', '<b>', '&amp;', 'été',
    'plain', 'words', 'and', 'more', 'of', 'them', "it's", '{brace}', '100 %');

# seed: what the ids begin with and all draws follow from; sessions: how many there are to choose from;
# limited: how many clients of /limited.
sub new {
    my ($class, %option) = @_;
    my @sessions = map { { id => "s$option{seed}-$_", user => $_ % 3 ? "user$_" : undef, turns => 0, saved => 0 } }
        1 .. $option{sessions};
    return bless { seed => $option{seed}, limited => $option{limited}, sessions => \@sessions, number => 0 }, $class;
}

sub chance { my ($percent) = @_; return rand(100) < $percent }
sub one_of { return $_[ int rand @_ ] }

sub weighted {
    my ($of) = @_;
    my $sum = 0;
    $sum += $_->[0] for @$of;
    my $at = rand $sum;
    for my $entry (@$of) {
        return $entry->[1] if ($at -= $entry->[0]) < 0;
    }
    return $of->[-1][1];
}

sub command {
    my ($of, $most) = @_;
    my $command = weighted($of);
    $command =~ s/N/1 + int rand $most/e;
    return $command;
}

# The text that an agent repeats: the id, and some words of whatever is hard to carry.
sub text_of {
    my ($id) = @_;
    my $words = chance(5) ? 300 : 1 + int rand 25;
    return "[$id] " . join ' ', map { one_of(@WORDS) } 1 .. $words;
}

# One that no turn has now, as far as is known; now and then any.
sub choose_session {
    my ($self, $request) = @_;
    return if chance($PERCENT{new});
    my $session = one_of(@{ $self->{sessions} });
    for (1 .. 20) {
        last if !$session->{turns} || chance($PERCENT{busy});
        $session = one_of(@{ $self->{sessions} });
    }
    $session->{turns}++;
    @$request{qw(session user chosen)} = (@$session{qw(id user)}, $session);
    # Of a session that is in the table: who comes first to one that is not is its owner.
    @$request{qw(user foreign)} = ('mallory', 1) if $session->{saved} && $session->{user} && chance($PERCENT{foreign});
    return;
}

sub choose_leaving {
    my ($request) = @_;
    $request->{half} = 1 if chance($PERCENT{half});
    return if $request->{half} || !chance($PERCENT{leave});
    $request->{leave} = { phase => one_of(qw(head body sent sent answer answer)), how => one_of(qw(reset close)),
        after => rand() * 0.3, bytes => 1 + int rand 600 };
    return;
}

my $json = JSON::PP->new->utf8->canonical->allow_nonref;

sub body_of {
    my ($request) = @_;
    my $message = $json->encode($request->{message});
    my $user    = defined $request->{user} ? $json->encode($request->{user}) : undef;
    if ($request->{face} eq 'v1') {
        my $earlier = chance(30) ? '{"role":"user","content":"Hello"},{"role":"assistant","content":"Good day"},' : '';
        return '{' . join(',', '"model":"chatbot"', "\"messages\":[$earlier\{\"role\":\"user\",\"content\":$message}]",
            $request->{stream} ? '"stream":true,"stream_options":{"include_usage":true}' : (),
            defined $user ? "\"user\":$user" : ()) . '}';
    }
    return '{' . join(',', "\"message\":$message", $request->{stream} ? '"stream":true' : (),
        defined $request->{session} ? "\"session_id\":\"$request->{session}\"" : (),
        defined $user ? "\"user_id\":$user" : ()) . '}';
}

sub write_request {
    my ($request) = @_;
    my $body = body_of($request);
    my $method = 'POST';
    my $path = { chat => '/chat', limited => '/limited', v1 => '/v1/chat/completions' }->{ $request->{face} };
    if ($request->{invalid}) {
        ($method, $body) = @{ one_of([ 'GET', '' ], [ 'POST', '{}' ], [ 'POST', substr($body, 0, -2) ], [ 'PUT', $body ]) };
    }
    my @headers = ("Host: 127.0.0.1", "X-Request-ID: $request->{id}", 'Content-Type: application/json',
        'Content-Length: ' . length $body);
    push @headers, "X-Client: $request->{client}" if $request->{client};
    push @headers, "X-Session-Id: $request->{session}" if $request->{face} eq 'v1' && defined $request->{session};
    push @headers, 'Connection: close' if $request->{close};
    @$request{qw(head body)} = (join("\r\n", "$method $path HTTP/1.1", @headers, '', ''), $body);
    return;
}

# The next request, as Chatbot::History knows them.
sub next_request {
    my ($self) = @_;
    srand($self->{seed} * 1_000_003 + $self->{number});    # the same whatever else is drawn
    my $id = "h$self->{seed}-" . ++$self->{number};
    my $request = { id => $id, face => one_of(qw(chat chat chat chat v1 v1 limited)), text => text_of($id),
        stream => chance($PERCENT{stream}) ? 1 : 0, close => chance(10) ? 1 : 0 };
    $request->{commands} = chance($PERCENT{fault}) ? command(\@FAULTS, 600) : '';
    $request->{is_faulty} = $request->{commands} ne '' ? 1 : 0;
    $request->{commands} .= command(\@WAYS, 60) if !$request->{is_faulty};
    $request->{message} = "{{echo}}$request->{commands}$request->{text}";
    $request->{invalid} = 1 if chance($PERCENT{invalid});
    $request->{client} = "c$self->{seed}-" . int rand $self->{limited} if $request->{face} eq 'limited';
    choose_leaving($request);
    $self->choose_session($request);
    write_request($request);
    return $request;
}

# What became of it, for the choice of sessions.
sub ended {
    my ($self, $request) = @_;
    my $session = $request->{chosen} or return;
    $session->{turns}--;
    $session->{saved} = 1 if ($request->{saved} // 0) && !$request->{foreign};
    return;
}

1;
