# An httpd with mod_chatbot, and the AWS stand-in it talks to in a second httpd, so that restarting
# one does not disturb the other.
package Chatbot::Server;

use strict;
use warnings;
use parent 'Chatbot::Httpd';
use Chatbot::Emulator;
use JSON::PP ();

our $ACCESS_KEY = $Chatbot::Emulator::ACCESS_KEY;

# Every area of the product that a test does not ask about is switched off, as far as it is built in.
our $QUIET = join '', map { "<IfDirective $$_[0]>\n    $$_[0] $$_[1]\n</IfDirective>\n" } (
    [ ChatbotRateLimit    => 'Off' ],
    [ ChatbotMetrics      => 'Off' ],
    [ ChatbotSessionStore => 'none' ],
    [ ChatbotCircuitBreaker => 'Off' ],
);

our $HANDLERS = <<'CONF';
<Location "/chat">
    SetHandler chatbot
</Location>
<Location "/sessions">
    SetHandler chatbot-sessions
</Location>
<LocationMatch "^/(?:health|livez|readyz)$">
    SetHandler chatbot-health
</LocationMatch>
CONF

# Beside the options of Chatbot::Httpd: emulator (an object to share, or 0 for none), agent (0: none
# configured), credentials (0: none), chatbot (lines of configuration for the main server), quiet (0:
# leave everything at its default).
sub prepare {
    my ($class, %option) = @_;
    my $emulator = $option{emulator} // Chatbot::Emulator->shared;
    my $config = $option{config} // '';
    my $chatbot = delete $option{chatbot} // '';
    my @lines = (qq(LoadModule chatbot_module "$Chatbot::Httpd::BUILD/mod_chatbot.so"));
    push @lines, $QUIET if $option{quiet} // 1;
    push @lines, 'ChatbotAWSRegion us-east-1' if $option{region} // 1;
    push @lines, 'ChatbotAWSEndpoint * http://127.0.0.1:' . $emulator->aws_port if $emulator;
    push @lines, 'ChatbotAgent AGENT12345 TSTALIASID' if $option{agent} // 1;
    push @lines, $chatbot, $HANDLERS, 'CustomLog notes_log "id=%{chatbot-request-id}n outcome=%{chatbot-outcome}n '
        . 'retries=%{chatbot-retries}n aws-request-id=%{chatbot-aws-request-id}n"';
    $option{config} = sub {
        my ($self) = @_;
        return join("\n", @lines, ref $config ? $config->($self) : $config);
    };
    $option{log_level} //= 'info chatbot:debug';
    $option{env} = { ($option{credentials} // 1) ? Chatbot::Emulator->credentials : (),
        AWS_EC2_METADATA_DISABLED => 'true', %{ $option{env} || {} } };
    my $self = $class->SUPER::prepare(%option);
    $self->{emulator} = $emulator;
    return $self;
}

sub emulator { return $_[0]{emulator} }
sub emulator_state { return $_[0]{emulator}->state }

# What the access log says of a request, once it does: notes by name, without the module's prefix; "-" is unset.
sub notes {
    my ($self, $request_id) = @_;
    my $line;
    Chatbot::Httpd::wait_for(5, sub {
        ($line) = Chatbot::Httpd::_slurp("$self->{dir}/notes_log") =~ /^id=\Q$request_id\E (.*)$/m;
        return defined $line;
    });
    return { map { split /=/, $_, 2 } split ' ', $line // '' };
}

# One chat on a connection of its own: a text, or the members of the request.
sub chat {
    my ($self, $chat, %option) = @_;
    return $self->request('POST', '/chat', body => ref $chat ? $chat : { message => $chat }, %option);
}

1;
