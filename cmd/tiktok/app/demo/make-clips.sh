#!/usr/bin/env bash
# Draws the demo clips and their covers from formulas, with ffmpeg's own sources and the Go program in ./draw: no footage, no font, no
# download, and so no rights of others.
#
#   ./make-clips.sh            draws all of them into ./clips
#   ./make-clips.sh aurora     draws one
#
# Every clip has 24 frames a second, H.264 High + AAC, with the index in front (faststart), below 500 KB; most are upright.
# The pictures move in whole turns of the clip's length, so that a player that loops shows no seam. Two runs of one
# ffmpeg build give the same bytes (fixed seeds, one encoder thread, no dates in the file); tested with ffmpeg 5.1.
set -euo pipefail
cd "$(dirname "$0")"
mkdir -p clips

readonly FPS=24
WORK="$(mktemp -d)"
readonly WORK
trap 'rm -rf "$WORK"' EXIT
FFMPEG="${FFMPEG:-ffmpeg}"

# pluck FREQ START: one soft note that rings out, with a little of its octave.
pluck() {
	echo "gte(t\,$2)*exp(-1.6*(t-$2))*min(1\,(t-$2)*40)*(sin(2*PI*$1*(t-$2))+0.25*sin(4*PI*$1*(t-$2)))"
}

# pad FREQ...: a chord that swells and breathes.
pad() {
	local sum="0" f
	for f in "$@"; do sum="$sum+sin(2*PI*$f*t)+0.6*sin(2*PI*$f*1.003*t+1)"; done
	echo "(0.8+0.2*sin(2*PI*t/2.5))*($sum)"
}

# arpeggio STEP FREQ...: the notes one after the other.
arpeggio() {
	local step="$1" sum="0" i=0 f
	shift
	for f in "$@"; do
		sum="$sum+$(pluck "$f" "$(awk "BEGIN{print $i*$step}")")"
		i=$((i + 1))
	done
	echo "$sum"
}

# draw NAME SECONDS COVER_AT CRF VIDEO AUDIO_EXPRESSION: VIDEO is a graph, or the options of an input.
draw() {
	local name="$1" seconds="$2" cover="$3" crf="$4" audio="$6" fade
	local -a video=(-f lavfi -i "$5")
	[ "${5:0:3}" != "-f " ] || read -ra video <<<"$5"
	fade="$(awk "BEGIN{print $seconds-0.9}")"
	"$FFMPEG" -hide_banner -loglevel error -y -fflags +bitexact \
		"${video[@]}" \
		-f lavfi -i "aevalsrc='$audio':s=44100:d=$seconds,aecho=0.8:0.5:90|170:0.3|0.2,lowpass=f=5000,volume=11dB,afade=t=in:d=0.4,afade=t=out:st=$fade:d=0.9,aformat=channel_layouts=stereo" \
		-vf format=yuv420p,setsar=1 -t "$seconds" -r "$FPS" -map_metadata -1 \
		-c:v libx264 -profile:v high -level:v 3.1 -preset veryslow -crf "$crf" -maxrate 400k -bufsize 400k -g 48 -threads 1 \
		-x264-params aq-mode=3:aq-strength=1.2 -colorspace bt709 -color_primaries bt709 -color_trc bt709 -color_range tv \
		-c:a aac -b:a 64k -flags:v +bitexact -flags:a +bitexact -movflags +faststart "$WORK/$name.mp4"
	"$FFMPEG" -hide_banner -loglevel error -y -fflags +bitexact -ss "$cover" -i "$WORK/$name.mp4" \
		-frames:v 1 -map_metadata -1 -flags:v +bitexact -q:v 4 "$WORK/$name.jpg"
	# Complete or not at all: a build that runs meanwhile embeds the folder.
	mv "$WORK/$name.mp4" "$WORK/$name.jpg" clips/
	printf '%-12s %7d B  cover %6d B\n' "$name" "$(wc -c <"clips/$name.mp4")" "$(wc -c <"clips/$name.jpg")"
}

# formula SECONDS R G B [SIZE [OUT]]: a picture computed with few pixels (SIZE, a quarter of them by default) and scaled up to OUT,
# which is smooth and quick. In the formulas u and v are 0..1 across and down, p is the angle that makes one turn in the clip.
formula() {
	local seconds="$1" c out=() size="${5:-180x320}" to="${6:-360:640}"
	for c in "$2" "$3" "$4"; do
		c="$(sed -E "s/\bu\b/(X\/W)/g; s/\bv\b/(Y\/H)/g; s/\bp\b/(2*PI*T\/$seconds)/g" <<<"$c" | tr -d ' \n\t')"
		out+=("clip($c,0,255)")
	done
	echo "nullsrc=s=$size:r=$FPS:d=$seconds,format=gbrp,geq=r='${out[0]}':g='${out[1]}':b='${out[2]}',scale=$to:flags=bicubic"
}

# Northern lights over a ridge, under stars.
aurora() {
	local pre="st(0,v-0.46-0.09*sin(5*u+p)-0.04*sin(11*u-2*p));
		st(1,if(lt(ld(0),0),exp(5.5*ld(0)),exp(-26*ld(0)))*(0.62+0.38*sin(34*u+4*sin(5*u+p)+2*p)));
		st(2,v-0.62-0.10*sin(4*u+2-p)-0.03*sin(13*u+p));
		st(3,if(lt(ld(2),0),exp(8*ld(2)),exp(-34*ld(2)))*(0.5+0.5*sin(27*u+3*sin(4*u-p)-p)));
		st(4,abs(mod(sin(X*12.9898+Y*78.233)*43758.5453,1)));
		st(5,gt(ld(4),0.9965)*lt(v,0.8)*(0.6+0.4*sin(p*2+X)));
		st(6,gt(v,0.84+0.035*sin(8*u+0.6)+0.022*sin(19*u)+0.008*sin(53*u)));"
	draw aurora 5 1.2 25 "$(formula 5 \
		"$pre if(ld(6),3+5*(1-v),8+22*v+60*ld(1)*clip(-ld(0)*5,0,1)+70*ld(3)*clip(-ld(2)*4,0,1)+150*ld(5))" \
		"$pre if(ld(6),6+6*(1-v),10+18*v+205*ld(1)*(1-clip(-ld(0)*2,0,0.8))+120*ld(3)+150*ld(5))" \
		"$pre if(ld(6),12+8*(1-v),34+34*v+105*ld(1)+150*ld(3)*clip(0.4-ld(2)*3,0,1)+150*ld(5))")" \
		"0.035*($(pad 110 164.81 220 277.18))+0.10*($(arpeggio 0.55 880 659.25 830.61 554.37 739.99 659.25))"
}

# The sun goes down, the sea carries its light.
tide() {
	local pre="st(0,hypot((u-0.5)*0.5625,(v-0.47))); st(1,exp(-max(0,ld(0)-0.085)*9)); st(2,clip((0.085-ld(0))*H+0.5,0,1));
		st(3,max(0.004,v-0.56)); st(4,gt(v,0.56));
		st(5,sin(2.6/ld(3)+6*u+3*p)+0.6*sin(4.1/ld(3)-9*u+2*p)+0.5*sin(38*v+14*u-p)+0.4*sin(90*v-23*u+2*p));
		st(6,exp(-abs(u-0.5+0.012*ld(5))*(9-11*ld(3)))*clip(0.55+0.4*ld(5),0,1));"
	draw tide 5 2.0 25 "$(formula 5 \
		"$pre if(ld(4),44+52*exp(-7*ld(3))+10*ld(5)+205*ld(6),ld(2)*(255)+(1-ld(2))*clip(70+150*v/0.56+95*ld(1),0,255))" \
		"$pre if(ld(4),36+40*exp(-7*ld(3))+9*ld(5)+128*ld(6),ld(2)*(214-60*(v-0.385)/0.17)+(1-ld(2))*clip(26+82*pow(v/0.56,1.6)+80*ld(1),0,255))" \
		"$pre if(ld(4),84+30*exp(-7*ld(3))+14*ld(5)+40*ld(6),ld(2)*(120-70*(v-0.385)/0.17)+(1-ld(2))*clip(98+18*sin(3*v)-30*ld(1)*v,0,255))")" \
		"0.04*($(pad 98 146.83 196 246.94))+0.09*($(arpeggio 0.7 392 493.88 587.33 493.88 739.99))"
}

# Two drops in dark water, gold where their rings meet.
ripples() {
	local pre="st(0,hypot((u-0.32)*0.5625,v-0.34)); st(1,hypot((u-0.70)*0.5625,v-0.66));
		st(2,sin(62*ld(0)-4*p)*exp(-1.7*ld(0))+sin(62*ld(1)-4*p)*exp(-1.7*ld(1)));
		st(3,pow(clip(ld(2)*0.5+0.5,0,1),2.2)); st(4,pow(clip(ld(2)*0.78-0.12,0,1),2.4));"
	draw ripples 4 0.7 26 "$(formula 4 \
		"$pre 6+50*ld(3)*v+300*ld(4)" \
		"$pre 16+92*ld(3)+190*ld(4)" \
		"$pre 40+112*ld(3)+40*(1-v)-30*ld(4)")" \
		"0.035*($(pad 130.81 196 261.63))+0.11*($(arpeggio 0.5 1046.5 783.99 1318.5 1046.5 1567.98 783.99))"
}

# Lights out of focus, drifting upwards through a warm night.
fireflies() {
	local r="18+30*v" g="9+12*v" b="38+26*(1-v)" i x y s d c
	for i in 0 1 2 3 4 5 6 7 8 9 10 11 12; do
		x="$(awk "BEGIN{i=$i*0.7548776662+0.13; print 0.04+0.92*(i-int(i))}")"
		y="$(awk "BEGIN{i=$i*0.5698402910+0.41; print 1.3*(i-int(i))}")"
		s="$(awk "BEGIN{i=$i*0.6180339887; print 0.028+0.062*(i-int(i))}")"
		d="hypot((u-$x-0.05*sin(p+$i*2))*0.5625,mod(v-$y+1.3*p/(2*PI)+2.6,1.3)-0.65)"
		c="(0.5+0.4*sin(p*$((1 + i % 2))+$i*1.7))*(0.7+0.4*ld(0)/$s)/(1+exp((ld(0)-$s)*170))"
		case $((i % 4)) in
		0 | 3) r="$r+st(0,$d)*0+225*st(1,$c)" g="$g+st(0,$d)*0+155*st(1,$c)" b="$b+st(0,$d)*0+50*st(1,$c)" ;;
		1) r="$r+st(0,$d)*0+220*st(1,$c)" g="$g+st(0,$d)*0+80*st(1,$c)" b="$b+st(0,$d)*0+90*st(1,$c)" ;;
		2) r="$r+st(0,$d)*0+70*st(1,$c)" g="$g+st(0,$d)*0+165*st(1,$c)" b="$b+st(0,$d)*0+190*st(1,$c)" ;;
		esac
	done
	draw fireflies 6 2.5 24 "$(formula 6 "$r" "$g" "$b" 90x160)" \
		"0.03*($(pad 87.31 130.81 174.61 220))+0.09*($(arpeggio 0.75 698.46 880 523.25 659.25 783.99 587.33 698.46))"
}

# Folded silk in peach, rose and violet.
silk() {
	local pre="st(0,u*1.6+0.35*sin(3*v+p)+0.22*sin(6*u-p+2*v)); st(1,v*2.2+0.38*sin(3.5*ld(0)+p)+0.2*sin(5*v-4*u-p));
		st(2,sin(3.4*ld(0)+2.3*ld(1)+p)); st(3,pow(0.5+0.5*sin(5.2*ld(1)-2.8*ld(0)+2*ld(2)),1.4));"
	draw silk 5 1.0 25 "$(formula 5 \
		"$pre 118+100*ld(3)+34*ld(2)" \
		"$pre 34+132*pow(ld(3),1.7)+26*ld(2)*ld(3)" \
		"$pre 112+62*(1-ld(3))-46*ld(2)*ld(3)+28*ld(3)")" \
		"0.04*($(pad 123.47 155.56 185 233.08))+0.07*($(arpeggio 0.8 493.88 466.16 369.99 311.13))"
}

# A whirl of colour that turns into itself.
vortex() {
	local pre="st(0,hypot((u-0.5)*0.5625,v-0.5)); st(1,atan2(v-0.5,(u-0.5)*0.5625));
		st(2,3*ld(1)+5.2*log(ld(0)+0.02)*1.6-2*p); st(3,0.5+0.5*sin(ld(2))); st(4,0.5+0.5*sin(ld(2)*2+p+9*ld(0)));
		st(5,clip(ld(0)*3.2,0,1)); st(6,exp(-ld(0)*16));"
	draw vortex 4 0.5 27 "$(formula 4 \
		"$pre ld(5)*(28+150*pow(ld(3),2)+60*ld(4)*ld(3))+250*ld(6)" \
		"$pre ld(5)*(22+64*ld(4)+92*pow(1-ld(3),2)*ld(4))+205*ld(6)" \
		"$pre ld(5)*(88+95*(1-ld(3))+52*ld(4))+235*ld(6)")" \
		"0.035*($(pad 146.83 174.61 220 293.66))+0.09*($(arpeggio 0.33 587.33 698.46 880 1174.66 880 698.46 1046.5 880 698.46))"
}

# Hills in the morning mist, seen from a train.
hills() {
	# One ridge: how far the pixel lies under it, 0..1 over one pixel. Its waves travel together, so the shape holds.
	ridge() { # SLOT BASE HEIGHT WAVES PHASE
		echo "st($1,clip((v-$2+$3*(0.55*sin($4*u+p+$5)+0.3*sin(2*($4*u+p)+$5*2.3)+0.15*sin(5*($4*u+p)+$5)))*H+0.5,0,1));"
	}
	local pre
	pre="$(ridge 1 0.46 0.050 17 0.4)$(ridge 2 0.55 0.060 12 2.1)$(ridge 3 0.65 0.060 8.5 4.0)$(ridge 4 0.76 0.055 6 5.2)$(ridge 5 0.89 0.045 4.2 1.2)"
	pre="$pre st(6,hypot((u-0.66)*0.5625,v-0.27)); st(7,clip((0.052-ld(6))*H+0.5,0,1)); st(8,exp(-max(0,ld(6)-0.05)*7));"
	mix() { # SKY SUN FAR..NEAR, each as it is at the ridge; mist makes the foot of every hill brighter
		local e="st(0,($1)*(1-ld(7))+($2)*ld(7));" i=1 c mist=(0 0.45 0.56 0.66 0.77 0.90)
		for c in "${@:3}"; do
			e="$e st(0,ld(0)+ld($i)*(($c)*(1+0.9*clip((v-${mist[$i]}+0.03)*3.2,0,0.5))-ld(0)));"
			i=$((i + 1))
		done
		echo "$e ld(0)"
	}
	draw hills 5 1.5 25 "$(formula 5 \
		"$pre $(mix "96+150*v+110*ld(8)" 255 188 142 92 50 20)" \
		"$pre $(mix "136+100*v+70*ld(8)" 246 160 122 92 64 34)" \
		"$pre $(mix "172+20*v+10*ld(8)" 214 158 142 118 88 52)")" \
		"0.04*($(pad 110 138.59 164.81 207.65))+0.08*($(arpeggio 0.42 659.25 554.37 830.61 659.25 987.77 830.61 659.25 554.37 440))"
}

# Conway's game of life as glowing moss.
moss() {
	draw moss 5 2.5 28 "life=s=36x64:r=8:ratio=0.34:random_seed=20260:mold=14:life_color=#d8ff8a:death_color=#1c7f63:mold_color=#06222e,fps=$FPS,tmix=frames=3,scale=360:640:flags=bicubic,gblur=sigma=3" \
		"0.035*($(pad 116.54 174.61 233.08 293.66))+0.10*($(arpeggio 0.25 466.16 587.33 698.46 932.33 698.46 587.33 523.25 698.46 880 698.46 587.33 466.16 587.33 698.46 932.33))"
}

# scene NAME COVER_AT CRF AUDIO_EXPRESSION: pictures that the Go program in ./draw makes.
scene() {
	local size fps seconds
	[ -x "$WORK/draw" ] || go build -o "$WORK/draw" ./draw
	read -r size fps seconds <<<"$("$WORK/draw" -size "$1")"
	mkfifo "$WORK/$1.rgb"
	"$WORK/draw" "$1" >"$WORK/$1.rgb" &
	draw "$1" "$seconds" "$2" "$3" "-f rawvideo -pixel_format rgb24 -video_size $size -framerate $fps -i $WORK/$1.rgb" "$4"
	wait $!
}

# A city at dusk, on the other side of the water. Landscape.
skyline() {
	scene skyline 1.5 26 "0.035*($(pad 98 146.83 185 220))+0.09*($(arpeggio 0.6 587.33 739.99 880 659.25 554.37 739.99 493.88 587.33 440))"
}

# Paper lanterns rise from a lake.
lanterns() {
	scene lanterns 3 26 "0.032*($(pad 146.83 220 293.66))+0.10*($(arpeggio 0.72 587.33 659.25 880 783.99 659.25 587.33 493.88 440 493.88 587.33))"
}

# Five balls hand on what one of them brings: four swings, and a click each time they meet. Landscape.
cradle() {
	local clicks="0" i at
	for i in 0 1 2 3 4 5 6 7; do
		at="$(awk "BEGIN{print 0.3125*(2*$i+1)}")"
		clicks="$clicks+gte(t\,$at)*exp(-26*(t-$at))*(sin(2*PI*1975*(t-$at))+0.6*sin(2*PI*2960*(t-$at))+0.3*sin(2*PI*5230*(t-$at)))"
	done
	scene cradle 0.1 24 "0.03*($(pad 110 164.81 220 277.18))+0.12*($clicks)+0.06*($(arpeggio 1.25 440 554.37 659.25))"
}

# Two tones a fifth apart draw this figure; a little out of tune, so that it turns.
fifth() {
	draw fifth 6 2.0 27 "aevalsrc='0.82*sin(2*PI*220*t)|0.82*sin(2*PI*(330+1/6)*t)':s=44100:d=6,avectorscope=s=480x480:r=$FPS:mode=lissajous_xy:draw=line:scale=lin:rc=70:gc=235:bc=205:ac=255:rf=24:gf=12:bf=9:af=0,format=gbrp,split[line][halo];[halo]gblur=sigma=11,lutrgb=r=val*1.6:g=val*0.9:b=val*2.2[glow];[line]gblur=sigma=0.8[sharp];[glow][sharp]blend=all_mode=screen,pad=540:960:30:240:color=black,lutrgb=r=max(val\,12):g=max(val\,10):b=max(val\,26)" \
		"0.16*(sin(2*PI*220*t)+0.8*sin(2*PI*(330+1/6)*t)+0.3*sin(2*PI*440*t))*(0.85+0.15*sin(2*PI*t/3))"
}

for name in "${@:-aurora tide ripples fireflies silk vortex hills moss skyline lanterns cradle fifth}"; do
	for one in $name; do "$one"; done
done
